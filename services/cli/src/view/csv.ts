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

/** Agents choose their host names: a spreadsheet must not take one for a formula (OWASP, "CSV Injection"). */
function harmless(text: string): string {
  return /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
