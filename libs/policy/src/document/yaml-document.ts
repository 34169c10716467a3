import { MAX_POLICY_CHARACTERS } from '@stance/contracts';
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type Pair,
} from 'yaml';
import type { PolicyError } from '../policy.js';
import { keyErrors } from './keys.js';
import { linesOf } from './lines.js';
import { plainData, UnusableAlias, type PlainData } from './plain-data.js';

/** A place in the document: a value or a key by path, and how far into its text. */
export interface Place {
  readonly path: readonly PropertyKey[];
  /** The key of the last path entry, not its value. */
  readonly atKey?: boolean;
  /** Characters into the text of a scalar. */
  readonly offset?: number;
}

/** A document as plain data, with the way back to its lines. */
export interface YamlDocument {
  readonly root: unknown;
  locate(place: Place): { line: number; column: number };
}

/** Deeper than any policy, and far from what overflows a stack. */
const MAX_DEPTH = 32;
const TOO_DEEP = 'nested too deeply';
/** As many values as the longest text can hold without an alias: what aliases stand for is checked each time. */
const MAX_VALUES = MAX_POLICY_CHARACTERS / 2;
/** More than anybody puts right in one go. */
const MAX_ERRORS = 100;
const LONGEST_MESSAGE = 300;

/** Reads YAML 1.2 (or JSON) strictly: no duplicate keys, unknown tags, deep nesting or growing aliases. */
export function readYaml(text: string): YamlReading {
  const deep = tooDeep(text);
  if (deep !== undefined) return { errors: [{ ...deep, message: TOO_DEEP, path: '' }] };
  try {
    return readShallow(text);
  } catch (error) {
    // The look at the text above is a rough one: what it misses ends in the parser's stack.
    if (!(error instanceof RangeError)) throw error;
    return wholeDocument(TOO_DEEP);
  }
}

type YamlReading = { document: YamlDocument } | { errors: PolicyError[] };

function readShallow(text: string): YamlReading {
  const at = linesOf(text);
  const parsed = parseStrictly(text);
  const errors = [
    ...[...parsed.errors, ...parsed.warnings].map(({ message, pos }) => ({ message, offset: pos[0] })),
    ...keyErrors(parsed, MAX_ERRORS),
  ];
  if (errors.length > 0) {
    return {
      errors: errors.slice(0, MAX_ERRORS).map(({ message, offset }) => ({
        message: worded(message),
        ...at(offset),
        path: '',
      })),
    };
  }
  try {
    const { root, values, depth, targets } = plainData(parsed);
    if (depth > MAX_DEPTH) return wholeDocument(TOO_DEEP);
    if (values > MAX_VALUES) return wholeDocument(`with its aliases spelt out, it has more than ${MAX_VALUES} values`);
    return { document: { root, locate: (place) => at(offsetOf(parsed, targets, place)) } };
  } catch (error) {
    if (!(error instanceof UnusableAlias)) throw error;
    return { errors: [{ message: error.message, ...at(error.offset), path: '' }] };
  }
}

function parseStrictly(text: string): Document {
  const { stackTraceLimit } = Error;
  // The parser makes an error for every fault, as many as there are characters; nobody reads their stacks.
  Error.stackTraceLimit = 0;
  try {
    return parseDocument(text, {
      prettyErrors: false,
      strict: true,
      // The parser would compare each key with all others of its mapping; see `keyErrors`.
      uniqueKeys: false,
      version: '1.2',
      // At `silent`, a second document would be dropped without a word.
      logLevel: 'error',
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The parser tells of its own full stack, and may quote the rest of the document. */
function worded(message: string): string {
  if (message.startsWith('Maximum call stack')) return TOO_DEEP;
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
}

/** An error that has no one place. */
function wholeDocument(message: string): { errors: PolicyError[] } {
  return { errors: [{ message, line: 1, column: 1, path: '' }] };
}

/** The first line that nests deeper than allowed, in brackets or by indentation, whatever the parser would do to it. */
function tooDeep(text: string): { line: number; column: number } | undefined {
  let brackets = 0;
  let line = 0;
  for (const content of text.split('\n')) {
    line++;
    const markers = /^(?:\s*[-?:](?=\s))*/.exec(content)?.[0].replace(/\s/g, '').length ?? 0;
    // A word at the margin is never inside brackets: what a text opened before it does not count.
    if (/^[A-Za-z]/.test(content)) brackets = 0;
    const indent = content.search(/\S|$/);
    if (markers > MAX_DEPTH || (indent > MAX_DEPTH * 8 && content.trim() !== '')) return { line, column: 1 };
    for (let column = 0; column < content.length; column++) {
      const character = content[column];
      if (character === '[' || character === '{') brackets++;
      if ((character === ']' || character === '}') && brackets > 0) brackets--;
      if (brackets > MAX_DEPTH) return { line, column: column + 1 };
    }
  }
  return undefined;
}

type Targets = PlainData['targets'];

function offsetOf(parsed: Document, targets: Targets, { path, atKey = false, offset = 0 }: Place): number {
  let node: unknown = parsed.contents;
  let start = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const [index, step] of path.entries()) {
    const pair = pairOf(resolve(node, targets), step);
    const key = isPair(pair) ? pair.key : undefined;
    if (atKey && index === path.length - 1 && isNode(key)) return key.range?.[0] ?? start;
    node = isPair(pair) ? pair.value : pair;
    // What is missing or empty is told at the place that lacks it.
    const nearestNode = isNode(node) && node.range !== undefined ? node : key;
    if (!isNode(nearestNode)) return start;
    start = nearestNode.range?.[0] ?? start;
  }
  return start + textOffset(resolve(node, targets), offset);
}

function resolve(node: unknown, targets: Targets): unknown {
  return isAlias(node) ? targets.get(node) : node;
}

function pairOf(node: unknown, step: PropertyKey): Pair | Node | undefined {
  if (isMap(node)) return node.items.find(({ key }) => isScalar(key) && key.value === step);
  const entry = isSeq(node) ? node.items[Number(step)] : undefined;
  return isNode(entry) ? entry : undefined;
}

/** Where a character of a scalar's text stands; exact for plain and quoted scalars on one line. */
function textOffset(node: unknown, offset: number): number {
  if (!isScalar(node)) return 0;
  if (node.type === 'PLAIN') return offset;
  return node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? offset + 1 : 0;
}
