import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type YAMLMap } from 'yaml';
import type { FileProblem } from './file-problem.js';
import { EXPECTED_SHAPE, type InventoryRow, type ReadRows } from './inventory-row.js';

/** Largest YAML inventory, about 8,000 devices: parsing one takes about a second, in which nothing else happens. */
export const MAX_YAML_BYTES = 1024 * 1024;

/** Reads an inventory in YAML. Every scalar is taken as written, so that a serial number of digits keeps its zeros. */
export function readYamlRows(text: string): ReadRows {
  if (Buffer.byteLength(text) > MAX_YAML_BYTES) {
    return refused({ message: 'a YAML inventory takes at most 1 MiB: write a larger one as JSON or CSV' });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    return refused(...document.errors.map(({ message, pos }) => ({ message, ...place(pos[0]) })));
  }
  const root = document.contents;
  const list = isMap(root) ? root.get('devices', true) : root;
  const unknown = isMap(root) ? root.items.filter(({ key }) => textOf(key) !== 'devices') : [];
  if (!isSeq(list)) return refused({ message: EXPECTED_SHAPE, ...place(startOf(list ?? root)) });
  const problems: FileProblem[] = unknown.map((pair) => ({
    message: `unknown field \`${String(textOf(pair.key))}\`: ${EXPECTED_SHAPE}`,
    ...place(startOf(pair.key)),
  }));
  const rows: InventoryRow[] = [];
  for (const item of list.items) {
    if (isMap(item)) rows.push(rowOf(item, (offset) => place(offset).line));
    else
      problems.push({ message: 'a device is a set of fields, such as `deviceId: laptop-1`', ...place(startOf(item)) });
  }
  return { rows, problems };
}

function refused(...problems: FileProblem[]): ReadRows {
  return { rows: [], problems };
}

function rowOf(device: YAMLMap, lineAt: (offset: number) => number): InventoryRow {
  const values: Record<string, unknown> = {};
  const offsets = new Map<string, number>();
  for (const { key, value } of device.items) {
    const name = String(textOf(key));
    offsets.set(name, startOf(key));
    const read = isSeq(value) ? value.items.map(textOf) : textOf(value);
    if (read !== undefined) values[name] = read;
  }
  const start = startOf(device);
  return { values, lineOf: (field) => lineAt((field === undefined ? undefined : offsets.get(field)) ?? start) };
}

/** A scalar as written; `undefined` for nothing, the node itself for anything else, which no field accepts. */
function textOf(node: unknown): unknown {
  if (node === null || node === undefined) return undefined;
  if (!isScalar(node)) return node;
  if (node.value === null) return undefined;
  return typeof node.value === 'string' ? node.value : (node.source ?? JSON.stringify(node.value));
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}
