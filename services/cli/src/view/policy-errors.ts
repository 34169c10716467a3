import { displayWidth, plain } from './text.js';

/** Where a policy document is wrong. */
export interface Located {
  readonly message: string;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** An error as `file:line:column: message`, below it the line of the document with a mark under the column. */
export function policyErrorLines(file: string, document: string, { message, line, column }: Located): string[] {
  if (line === undefined) return [`${plain(file)}: ${plain(message)}`];
  const title = `${plain(file)}:${line}:${column ?? 1}: ${plain(message)}`;
  const quoted = document.split(/\r?\n/)[line - 1];
  if (quoted === undefined || quoted.trim() === '') return [title];
  const gutter = `  ${line} | `;
  const { shown, at } = around(quoted.replaceAll('\t', ' '), (column ?? 1) - 1);
  const before = displayWidth(plain(shown.slice(0, at)));
  return [title, `${gutter}${plain(shown)}`, `${' '.repeat(gutter.length + before)}^`];
}

/** Characters of a line that are quoted on each side of the place. */
const AROUND = 100;

/** A long line around a place, with `…` where it was cut, and where the place is in that. */
function around(line: string, at: number): { shown: string; at: number } {
  const start = at > AROUND ? at - AROUND : 0;
  const end = at + AROUND;
  const shown = (start > 0 ? '…' : '') + line.slice(start, end) + (end < line.length ? '…' : '');
  return { shown, at: at - start + (start > 0 ? 1 : 0) };
}
