import { displayWidth, plain, truncate } from './text.js';
import type { Paint, Style } from './paint.js';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly style?: (row: Row) => Style | undefined;
  /** An id that people copy: cut only when nothing else is left to cut. */
  readonly whole?: boolean;
  /** Left out of a terminal that is too narrow for all columns; the last one first. */
  readonly spare?: boolean;
  readonly alignRight?: boolean;
}

const GAP = 2;
const NARROWEST = 6;
/** Columns of text below which a table had better have fewer columns. */
const LEGIBLE = 8;

/** A table as lines of at most `width` columns, as long as that leaves a few columns to each. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  paint: Paint,
): string[] {
  const laid = withoutSpare(
    columns.map((column) => layOut(column, rows)),
    width,
  );
  const widths = fit(laid, width);
  const lineOf = (textOf: (of: Laid<Row>) => string, styleOf: (column: Column<Row>) => Style | undefined) =>
    laid
      .map((of, index) => {
        const { column } = of;
        const last = index === laid.length - 1 && !column.alignRight;
        const cell = truncate(textOf(of), widths[index] ?? 0);
        const blanks = ' '.repeat(last ? 0 : Math.max(0, (widths[index] ?? 0) - displayWidth(cell)));
        const style = styleOf(column);
        const painted = style === undefined ? cell : paint(style, cell);
        return column.alignRight ? blanks + painted : painted + blanks;
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    lineOf(
      ({ column }) => column.title,
      () => 'bold',
    ),
    ...rows.map((row, at) =>
      lineOf(
        ({ cells }) => cells[at] ?? '',
        (column) => column.style?.(row),
      ),
    ),
  ];
}

interface Laid<Row> {
  readonly column: Column<Row>;
  readonly cells: readonly string[];
  /** Its width where there is room. */
  readonly natural: number;
}

function layOut<Row>(column: Column<Row>, rows: readonly Row[]): Laid<Row> {
  const cells = rows.map((row) => plain(column.value(row)));
  const natural = cells.reduce((widest, cell) => Math.max(widest, displayWidth(cell)), displayWidth(column.title));
  return { column, cells, natural };
}

/** The columns for which there is room, once each is cut as far as it stays legible. */
function withoutSpare<Row>(laid: readonly Laid<Row>[], width: number): readonly Laid<Row>[] {
  const least = laid.reduce(
    (sum, { column, natural }) => sum + GAP + (column.whole ? natural : Math.min(natural, LEGIBLE)),
    -GAP,
  );
  const spare = laid.findLastIndex(({ column }) => column.spare);
  return least <= width || spare === -1 ? laid : withoutSpare(laid.toSpliced(spare, 1), width);
}

/** Takes columns away from the widest, first from those that may be cut, until the line fits. */
function fit<Row>(laid: readonly Laid<Row>[], width: number): number[] {
  const widths = laid.map(({ natural }) => natural);
  let excess = widths.reduce((sum, each) => sum + each, GAP * (widths.length - 1)) - width;
  for (const cutWhole of [false, true]) {
    while (excess > 0) {
      const widest = widths.reduce(
        (best, each, index) =>
          (cutWhole || !laid[index]?.column.whole) && each > Math.max(NARROWEST, widths[best] ?? 0) ? index : best,
        -1,
      );
      if (widest === -1) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      excess -= 1;
    }
  }
  return widths;
}
