import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
} from 'yaml';
import type { PolicyError } from '../policy.js';

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
/** How often anchors may be used, each use counted with what it contains. */
const MAX_ALIASES = 50;

/** Reads YAML 1.2 (or JSON) strictly: no duplicate keys, unknown tags, deep nesting or growing aliases. */
export function readYaml(text: string): YamlReading {
  const deep = tooDeep(text);
  if (deep !== undefined) return { errors: [{ ...deep, message: 'nested too deeply', path: '' }] };
  try {
    return readShallow(text);
  } catch (error) {
    // The look at the text above is a rough one: what it misses ends in the parser's stack.
    if (!(error instanceof RangeError)) throw error;
    return { errors: [{ message: 'nested too deeply', line: 1, column: 1, path: '' }] };
  }
}

type YamlReading = { document: YamlDocument } | { errors: PolicyError[] };

function readShallow(text: string): YamlReading {
  const lines = new LineCounter();
  const parsed = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    uniqueKeys: true,
    version: '1.2',
    // At `silent`, a second document would be dropped without a word.
    logLevel: 'error',
  });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const errors: PolicyError[] = [...parsed.errors, ...parsed.warnings].map(({ message, pos, code }) => ({
    message: code === 'DUPLICATE_KEY' ? 'this key is there twice' : message,
    ...at(pos[0]),
    path: '',
  }));
  errors.push(...strangeKeys(parsed, at));
  if (errors.length > 0) return { errors };
  try {
    const root: unknown = parsed.toJS({ maxAliasCount: MAX_ALIASES });
    return { document: { root, locate: (place) => at(offsetOf(parsed, place)) } };
  } catch (error) {
    // What a reader can still do wrong here are aliases: unresolved, circular, or growing without bounds.
    const detail = error instanceof Error ? error.message : String(error);
    return { errors: [{ message: `the aliases cannot be resolved: ${detail}`, line: 1, column: 1, path: '' }] };
  }
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

/** Keys that plain data cannot hold faithfully. */
function strangeKeys(parsed: Document, at: (offset: number) => { line: number; column: number }): PolicyError[] {
  const errors: PolicyError[] = [];
  visit(parsed, {
    Pair(_, { key }) {
      if (isScalar(key) && typeof key.value === 'string' && key.value !== '__proto__') return;
      const offset = isNode(key) ? (key.range?.[0] ?? 0) : 0;
      errors.push({ message: 'a key has to be a text, and not __proto__', ...at(offset), path: '' });
    },
  });
  return errors;
}

function offsetOf(parsed: Document, { path, atKey = false, offset = 0 }: Place): number {
  let node: unknown = parsed.contents;
  let start = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const [index, step] of path.entries()) {
    const pair = pairOf(resolve(parsed, node), step);
    const key = isPair(pair) ? pair.key : undefined;
    if (atKey && index === path.length - 1 && isNode(key)) return key.range?.[0] ?? start;
    node = isPair(pair) ? pair.value : pair;
    // What is missing or empty is told at the place that lacks it.
    const nearestNode = isNode(node) && node.range !== undefined ? node : key;
    if (!isNode(nearestNode)) return start;
    start = nearestNode.range?.[0] ?? start;
  }
  return start + textOffset(resolve(parsed, node), offset);
}

function resolve(parsed: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(parsed) : node;
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
