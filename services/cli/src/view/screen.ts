import { styleText } from 'node:util';
import type { Output } from '../io.js';
import { noPaint, type Paint, type Style } from './paint.js';
import { tableLines, type Column } from './table.js';
import { plain, wrapped } from './text.js';

/** What people see. Colours on a terminal only, and none where `NO_COLOR` is set (no-color.org). */
export class Screen {
  readonly paint: Paint;
  /** Columns of the terminal, 80 where it does not say (or says 0); unlimited where there is none. */
  readonly width: number;

  constructor(
    private readonly output: Output,
    env: NodeJS.ProcessEnv,
  ) {
    const isTerminal = output.isTTY === true;
    const coloured = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    this.paint = coloured ? (style, text) => styleText(style, text, { validateStream: false }) : noPaint;
    this.width = isTerminal ? output.columns || 80 : Number.POSITIVE_INFINITY;
  }

  line(text = ''): void {
    this.output.write(`${text}\n`);
  }

  lines(texts: readonly string[]): void {
    if (texts.length > 0) this.output.write(`${texts.join('\n')}\n`);
  }

  /** Sentences, broken between words to fit the terminal. */
  paragraph(text: string, { indent = '', style }: { indent?: string; style?: Style } = {}): void {
    const lines = wrapped(plain(text), this.width, indent);
    this.lines(style === undefined ? lines : lines.map((line) => this.paint(style, line)));
  }

  /** A table, or `empty` where there is nothing to show. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], empty: string): void {
    if (rows.length === 0) this.line(empty);
    else this.lines(tableLines(columns, rows, this.width, this.paint));
  }

  simulatedNotice(): void {
    this.line(this.paint('yellow', 'simulated: demo data, no real device or person is behind it'));
  }
}
