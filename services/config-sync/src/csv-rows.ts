import { CsvError, parse } from 'csv-parse/sync';
import type { FileProblem } from './file-problem.js';
import type { InventoryRow, ReadRows } from './inventory-row.js';

interface ParsedLine {
  readonly record: readonly string[];
  readonly line: number;
}

/** Columns that hold a list; its values are separated by `;`. */
const LISTS = new Set(['macAddresses', 'groups', 'tags', 'certificateSha256', 'certificateSan', 'addresses']);

/** Reads an inventory in CSV: a line of headers, then a line per device. An empty cell counts as left out. */
export function readCsvRows(text: string, fields: readonly string[]): ReadRows {
  const lines: ParsedLine[] = [];
  try {
    parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      on_record: (record: string[], { lines: line }) => {
        lines.push({ record, line });
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return { rows: [], problems: [{ message: error.message, ...lineOfError(error) }] };
  }
  const [header, ...devices] = lines;
  if (header === undefined) return { rows: [], problems: [{ message: 'the file is empty', line: 1 }] };
  const problems = headerProblems(header, fields);
  if (problems.length > 0) return { rows: [], problems };
  const rows: InventoryRow[] = [];
  for (const { record, line } of devices) {
    if (record.length === header.record.length) rows.push(rowOf(header.record, record, line));
    else {
      const message = `${record.length} cells, but the header has ${header.record.length}`;
      problems.push({ message, line });
    }
  }
  return { rows, problems };
}

function headerProblems({ record, line }: ParsedLine, fields: readonly string[]): FileProblem[] {
  const problems: FileProblem[] = [];
  record.forEach((name, index) => {
    if (!fields.includes(name)) {
      problems.push({ message: `unknown column \`${name}\`: the columns are ${fields.join(', ')}`, line });
    } else if (record.indexOf(name) !== index) problems.push({ message: `column \`${name}\` is there twice`, line });
  });
  if (!record.includes('deviceId')) problems.push({ message: 'there is no column `deviceId`', line });
  return problems;
}

function rowOf(header: readonly string[], record: readonly string[], line: number): InventoryRow {
  const values: Record<string, unknown> = {};
  header.forEach((name, index) => {
    const cell = record[index] ?? '';
    if (cell === '') return;
    values[name] = LISTS.has(name)
      ? cell
          .split(';')
          .map((value) => value.trim())
          .filter((value) => value !== '')
      : cell;
  });
  return { values, lineOf: () => line };
}

function lineOfError(error: CsvError): { line?: number } {
  const lines: unknown = error['lines'];
  return typeof lines === 'number' ? { line: lines } : {};
}
