import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { ReceivedMetric } from './otlp-receiver.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** What docs/telemetry.md says of a metric. */
export interface DocumentedMetric {
  readonly kind: string;
  readonly unit: string;
  readonly description: string;
  readonly labels: readonly string[];
  /** Services. */
  readonly by: readonly string[];
}

/** The rows of docs/telemetry.md that are about metrics, by name: `| name | kind | unit | labels | by | meaning |`. */
export async function documentedMetrics(): Promise<Map<string, DocumentedMetric>> {
  const page = await readFile(join(ROOT, 'docs/telemetry.md'), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => /^\| `stance\.[a-z_.]+` *\| (counter|gauge|histogram|up-down counter) /.test(line));
  return new Map(
    rows.map((row) => {
      const [name = '', kind = '', unit = '', labels = '', by = '', description = ''] = row
        .split('|')
        .slice(1)
        .map((cell) => cell.trim().replaceAll('`', ''));
      const list = (cell: string) => cell.split(',').map((item) => item.trim());
      return [name, { kind, unit, description, labels: list(labels), by: list(by) }];
    }),
  );
}

/** Of what kind a metric is that was received, and the labels that its values have. */
export function shapeOf({ histogram, gauge, sum }: ReceivedMetric): { kind: string; labels: string[] } {
  const points = (histogram ?? gauge ?? sum)?.dataPoints ?? [];
  const labels = [...new Set(points.flatMap((point) => Object.keys(point.attributes)))];
  if (histogram !== undefined) return { kind: 'histogram', labels };
  if (gauge !== undefined) return { kind: 'gauge', labels };
  return { kind: sum?.isMonotonic ? 'counter' : 'up-down counter', labels };
}

/** The names of all metrics that the code of libraries and services makes. */
export async function metricNamesInCode(): Promise<Set<string>> {
  const names = new Set<string>();
  for (const room of ['libs', 'services']) {
    for (const file of await readdir(join(ROOT, room), { recursive: true })) {
      if (!/^[a-z-]+\/src\/.*\.ts$/.test(file) || file.endsWith('.spec.ts')) continue;
      const code = await readFile(join(ROOT, room, file), 'utf8');
      if (
        !/createCounter|createGauge|createHistogram|createObservable|observeGauge|tallyOf|MetricDefinition/.test(code)
      )
        continue;
      for (const [, name = ''] of code.matchAll(/'(stance\.[a-z_]+(?:\.[a-z_]+)*)'/g)) names.add(name);
    }
  }
  return names;
}
