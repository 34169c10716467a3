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
  const shown = quoted.replaceAll('\t', ' ');
  const before = displayWidth(plain(shown.slice(0, (column ?? 1) - 1)));
  return [title, `${gutter}${plain(shown)}`, `${' '.repeat(gutter.length + before)}^`];
}
