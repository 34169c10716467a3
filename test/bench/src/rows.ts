/** A line of the table: a figure of Stance, what it is measured beside, and the first as a multiple of the second. */
export interface Row {
  readonly figure: string;
  readonly stance: string;
  readonly bare: string;
  readonly ratio: number | null;
  readonly wanted: string;
}

/** `bare` is null where there is nothing to measure beside. */
export function rowOf(figure: string, stance: number, bare: number | null, unit: string, wanted: string): Row {
  const ratio = bare === null ? null : stance / bare;
  return { figure, stance: shown(stance, unit), bare: bare === null ? '-' : shown(bare, unit), ratio, wanted };
}

/** A line for what could not be measured, and why. */
export function missingRow(figure: string, reason: string, wanted: string): Row {
  return { figure, stance: '-', bare: `not measured: ${reason}`, ratio: null, wanted };
}

const shown = (value: number, unit: string): string => `${value >= 100 ? value.toFixed(0) : value.toFixed(2)} ${unit}`;

/** Tells a row while the others are still being measured. */
export function tell({ figure, stance, bare, ratio }: Row): void {
  const beside = ratio === null ? (bare === '-' ? '' : `, ${bare}`) : `, ${ratio.toFixed(2)}x ${bare}`;
  process.stderr.write(`${figure}: ${stance}${beside}\n`);
}

/** As Markdown. */
export function tableOf(rows: readonly Row[]): string[] {
  return [
    '| figure | Stance | bare | ratio | wanted |',
    '|---|---|---|---|---|',
    ...rows.map(
      ({ figure, stance, bare, ratio, wanted }) =>
        `| ${figure} | ${stance} | ${bare} | ${ratio === null ? '-' : ratio.toFixed(2)} | ${wanted} |`,
    ),
  ];
}
