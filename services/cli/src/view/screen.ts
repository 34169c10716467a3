import { styleText } from 'node:util';
import type { Output } from '../io.js';
import { noPaint, type Paint } from './paint.js';
import { tableLines, type Column } from './table.js';

/** What people see. Colours on a terminal only, and none where `NO_COLOR` is set (no-color.org). */
export class Screen {
  readonly paint: Paint;
  /** Columns of the terminal; unlimited where there is none. */
  readonly width: number;

  constructor(
    private readonly output: Output,
    env: NodeJS.ProcessEnv,
  ) {
    const isTerminal = output.isTTY === true;
    const coloured = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
    this.paint = coloured ? (style, text) => styleText(style, text, { validateStream: false }) : noPaint;
    this.width = isTerminal ? (output.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  line(text = ''): void {
    this.output.write(`${text}\n`);
  }

  lines(texts: readonly string[]): void {
    if (texts.length > 0) this.output.write(`${texts.join('\n')}\n`);
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
