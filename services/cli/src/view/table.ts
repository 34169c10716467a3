import { displayWidth, plain, truncate } from './text.js';
import type { Paint, Style } from './paint.js';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly style?: (row: Row) => Style | undefined;
  /** An id that people copy: cut only when nothing else is left to cut. */
  readonly whole?: boolean;
  readonly alignRight?: boolean;
}

const GAP = 2;
const NARROWEST = 6;

/** A table as lines of at most `width` columns, as long as that leaves a few columns to each. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  paint: Paint,
): string[] {
  const cells = rows.map((row) => columns.map((column) => plain(column.value(row))));
  const natural = columns.map(({ title }, index) =>
    cells.reduce((widest, line) => Math.max(widest, displayWidth(line[index] ?? '')), displayWidth(title)),
  );
  const widths = fit(natural, columns, width);
  const lineOf = (texts: readonly string[], styleOf: (index: number) => Style | undefined) =>
    texts
      .map((text, index) => {
        const last = index === texts.length - 1 && !columns[index]?.alignRight;
        const cell = truncate(text, widths[index] ?? 0);
        const blanks = ' '.repeat(last ? 0 : Math.max(0, (widths[index] ?? 0) - displayWidth(cell)));
        const style = styleOf(index);
        const painted = style === undefined ? cell : paint(style, cell);
        return columns[index]?.alignRight ? blanks + painted : painted + blanks;
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    lineOf(
      columns.map(({ title }) => title),
      () => 'bold',
    ),
    ...rows.map((row, at) => lineOf(cells[at] ?? [], (index) => columns[index]?.style?.(row))),
  ];
}

/** Takes columns away from the widest, first from those that may be cut, until the line fits. */
function fit<Row>(natural: readonly number[], columns: readonly Column<Row>[], width: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, each) => sum + each, GAP * (widths.length - 1)) - width;
  for (const cutWhole of [false, true]) {
    while (excess > 0) {
      const widest = widths.reduce(
        (best, each, index) =>
          (cutWhole || !columns[index]?.whole) && each > Math.max(NARROWEST, widths[best] ?? 0) ? index : best,
        -1,
      );
      if (widest === -1) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      excess -= 1;
    }
  }
  return widths;
}
