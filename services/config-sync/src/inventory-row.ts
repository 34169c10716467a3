import type { FileProblem } from './file-problem.js';

/** One device as its file has it, before anything is checked. */
export interface InventoryRow {
  readonly values: Readonly<Record<string, unknown>>;
  /** The line of a field, or of the device where it has no such field. */
  readonly lineOf: (field?: string) => number;
}

/** What a file holds, and what kept parts of it from being read. */
export interface ReadRows {
  readonly rows: readonly InventoryRow[];
  readonly problems: readonly FileProblem[];
}

/** The shape that YAML and JSON have in common, as people are told it. */
export const EXPECTED_SHAPE = 'expected `devices:` with a list of devices';
