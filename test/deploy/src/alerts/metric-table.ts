import { readFile } from 'node:fs/promises';
import { deployed } from './deployed.js';

/** Where every metric stands that rules and dashboards may use. */
const TABLE = deployed('deploy/prometheus/README.md');

/** The names of the table, without the suffixes that a histogram adds. */
export async function documentedMetrics(): Promise<Set<string>> {
  const text = await readFile(TABLE, 'utf8');
  const inRows = text.matchAll(/^\| `([a-z_]+)` +\|(?: `(nats_[a-z_]+)`)?/gm);
  return new Set([...inRows].flatMap(([, name = '', alias]) => (alias === undefined ? [name] : [name, alias])));
}

/** Written by Prometheus itself. */
const OF_PROMETHEUS = ['up'];

/** The metrics that an expression reads, recorded ones (`level:metric:operation`) aside. */
export function metricsIn(expression: string): string[] {
  const names = new Set<string>();
  for (const [, prefixes = '', name = ''] of expression.matchAll(/__name__=~"\(([a-z|]+)\)(_[a-z_]+)"/g)) {
    for (const prefix of prefixes.split('|')) names.add(`${prefix}${name}`);
  }
  const bare = expression
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right) ?\([^)]*\)/g, '');
  for (const [name] of bare.matchAll(/\b(?:stance|nats|gnatsd|jetstream)_[a-z0-9_]+|\bup\b/g)) {
    if (!bare.includes(`:${name}`)) names.add(name.replace(/_(?:bucket|count|sum)$/, ''));
  }
  return [...names].filter((name) => !OF_PROMETHEUS.includes(name));
}

/** The recorded series that an expression reads. */
export function recordedIn(expression: string): string[] {
  return [...expression.matchAll(/\b[a-z]+:[a-z_]+:[a-z0-9_]+/g)].map(([name]) => name);
}
