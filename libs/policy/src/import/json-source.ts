import { createScanner, getNodeValue, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import { MAX_POLICY_CHARACTERS } from '@stance/contracts';
import type { ImportError } from './result.js';

export type Path = readonly PropertyKey[];

/** A JSON file as plain data, with the way back to its lines. */
export interface JsonSource {
  readonly root: unknown;
  /** Where the value at a path stands, or what is nearest to it. Names of fields are found in any case. */
  locate(path: Path): { line: number; column: number };
}

/** Deeper than any file of this kind, and far from what overflows a stack. */
const MAX_DEPTH = 64;
const MAX_ERRORS = 100;

/** Reads JSON with comments and trailing commas (HuJSON), of at most 512 KiB characters. Never throws. */
export function readJsonSource(text: string): JsonSource | { readonly errors: readonly ImportError[] } {
  if (text.length > MAX_POLICY_CHARACTERS) {
    const message = `at most ${MAX_POLICY_CHARACTERS} characters can be imported, this file has ${text.length}`;
    return { errors: [{ message, line: 1, column: 1 }] };
  }
  // A byte order mark is no part of the data; blanked, so that columns stay.
  const content = text.replace(/^\uFEFF/, ' ');
  const at = positionsOf(content);
  const deep = tooDeep(content);
  if (deep !== undefined) return { errors: [{ message: 'nested too deeply', ...at(deep) }] };
  const problems: ParseError[] = [];
  const tree = parseTree(content, problems, { allowTrailingComma: true });
  const errors = problems.map(({ error, offset }) => ({
    message: inWords(printParseErrorCode(error)),
    ...at(offset),
  }));
  if (tree !== undefined) errors.push(...unusableKeys(tree).map(({ message, offset }) => ({ message, ...at(offset) })));
  if (errors.length > 0) return { errors: errors.slice(0, MAX_ERRORS) };
  if (tree === undefined) return { errors: [{ message: 'the file is empty', line: 1, column: 1 }] };
  return { root: getNodeValue(tree), locate: (path) => at(nodeAt(tree, path).offset) };
}

/** A path as people write it: `acls[0].src`, `groups["group:dev"]`; `the file` for the root. */
export function pathText(path: Path): string {
  if (path.length === 0) return 'the file';
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const name = String(step);
    if (!/^\w+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** The offset of the first bracket that opens too deep, found without recursion. */
function tooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    if (scanner.getTokenLength() !== 1) continue;
    const offset = scanner.getTokenOffset();
    const character = text[offset];
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') depth--;
    if (depth > MAX_DEPTH) return offset;
  }
  return undefined;
}

/** Keys that are there twice, or that plain data cannot hold. */
function unusableKeys(node: Node): { message: string; offset: number }[] {
  const found: { message: string; offset: number }[] = [];
  const seen = new Set<unknown>();
  for (const child of node.children ?? []) {
    const key = node.type === 'object' ? child.children?.[0] : undefined;
    if (key?.value === '__proto__') found.push({ message: 'a key may not be __proto__', offset: key.offset });
    if (key !== undefined && seen.has(key.value)) {
      found.push({ message: 'this key is there twice', offset: key.offset });
    }
    seen.add(key?.value);
    found.push(...unusableKeys(child));
  }
  return found;
}

function nodeAt(tree: Node, path: Path): Node {
  let node = tree;
  for (const step of path) {
    const next = typeof step === 'number' ? node.children?.[step] : valueOf(node, String(step));
    if (next === undefined) break;
    node = next;
  }
  return node;
}

function valueOf(node: Node, name: string): Node | undefined {
  if (node.type !== 'object') return undefined;
  const named = (matches: (key: string) => boolean) =>
    node.children?.find(({ children }) => matches(String(children?.[0]?.value)))?.children?.[1];
  return named((key) => key === name) ?? named((key) => key.toLowerCase() === name.toLowerCase());
}

function positionsOf(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** `CommaExpected` as `comma expected`. */
const inWords = (code: string): string => code.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
