import { plain } from './text.js';

/** A column of a CSV file. */
export interface CsvColumn<Row> {
  readonly name: string;
  readonly value: (row: Row) => string | undefined;
}

/** A CSV file as RFC 4180 has it: a header, lines ended by CR LF, quotes where they are needed. */
export function csvText<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ name }) => quoted(name)),
    ...rows.map((row) => columns.map(({ value }) => quoted(harmless(value(row) ?? '')))),
  ];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}

/**
 * Agents choose their host names: nothing of one may be taken for a formula (OWASP, "CSV Injection"), neither at the
 * beginning of a cell nor where a spreadsheet that separates by `;` begins another, nor steer a terminal.
 */
function harmless(text: string): string {
  return plain(text).replaceAll(FORMULA, "$1'");
}

/** Before what begins a formula: the separator, blanks and quotation marks that lead to it. */
const FORMULA = /((?:^|[;,])[\s"]*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g;

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
