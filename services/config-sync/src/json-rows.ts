import { locateInJson } from './json-position.js';
import { EXPECTED_SHAPE, type InventoryRow, type ReadRows } from './inventory-row.js';

/** Reads an inventory in JSON; `null` counts as left out. */
export function readJsonRows(text: string): ReadRows {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { rows: [], problems: [syntaxProblem(error.message, text)] };
  }
  const wrapper = isObject(root) ? root : undefined;
  const list = wrapper === undefined ? root : wrapper['devices'];
  if (!Array.isArray(list)) return { rows: [], problems: [{ message: EXPECTED_SHAPE, line: 1 }] };
  const path = wrapper === undefined ? [] : ['devices'];
  const unknown = Object.keys(wrapper ?? {}).filter((key) => key !== 'devices');
  const problems = unknown.map((key) => ({
    message: `unknown field \`${key}\`: ${EXPECTED_SHAPE}`,
    line: lineOf(text, [key]),
  }));
  const rows: InventoryRow[] = [];
  list.forEach((item: unknown, index) => {
    if (isObject(item)) rows.push(rowOf(item, text, [...path, index]));
    else problems.push({ message: 'a device is an object of fields', line: lineOf(text, [...path, index]) });
  });
  return { rows, problems };
}

function rowOf(item: Record<string, unknown>, text: string, path: readonly (string | number)[]): InventoryRow {
  return {
    values: Object.fromEntries(Object.entries(item).filter(([, value]) => value !== null)),
    lineOf: (field) => lineOf(text, field !== undefined && field in item ? [...path, field] : path),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function lineOf(text: string, path: readonly (string | number)[]): number {
  return lineAt(text, locateInJson(text, path) ?? 0);
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** V8 says where, except where the text ends too early. */
function syntaxProblem(message: string, text: string) {
  if (text.trim() === '') return { message: 'the file is empty', line: 1 };
  const position = /at position (\d+)/.exec(message);
  const offset = position === null ? text.length : Number(position[1]);
  const column = offset - text.lastIndexOf('\n', offset - 1);
  return {
    message: `not JSON: ${message.replace(/ \(line \d+ column \d+\)$/, '')}`,
    line: lineAt(text, offset),
    column,
  };
}
