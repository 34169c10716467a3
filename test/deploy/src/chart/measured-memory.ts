import { readFile } from 'node:fs/promises';

const BENCHMARKS = new URL('../../../../docs/benchmarks.md', import.meta.url);
const ROW = /^\| memory with 100,000 devices: ([a-z-]+) +\| ([\d,]+) MiB /gm;

/** MiB that each service held with 100,000 devices, as docs/benchmarks.md has them; without nats-server. */
export async function measuredMemory(): Promise<Record<string, number>> {
  const rows = [...(await readFile(BENCHMARKS, 'utf8')).matchAll(ROW)];
  const figures = rows.map(([, name = '', figure = '']): [string, number] => [name, Number(figure.replace(',', ''))]);
  return Object.fromEntries(figures.filter(([name]) => name !== 'nats-server'));
}
