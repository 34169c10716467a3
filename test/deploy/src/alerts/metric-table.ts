import { readFile } from 'node:fs/promises';
import { deployed } from './deployed.js';

/** Every metric of Stance, by its name at OpenTelemetry; another test holds it to what the services send. */
const OF_STANCE = deployed('docs/telemetry.md');
/** What the exporter of NATS tells, by its names at Prometheus. */
const OF_NATS = deployed('deploy/prometheus/README.md');

/** The metrics that rules and dashboards may use, as Prometheus has them, without the suffixes that a histogram adds. */
export async function documentedMetrics(): Promise<Set<string>> {
  const [ofStance, ofNats] = await Promise.all([readFile(OF_STANCE, 'utf8'), readFile(OF_NATS, 'utf8')]);
  const rows = ofStance.matchAll(/^\| `(stance\.[a-z_.]+)` *\| ([a-z- ]+?) *\|/gm);
  const exported = ofNats.matchAll(/^\| `([a-z_]+)` *\| `(nats_[a-z_]+)`/gm);
  return new Set([
    ...[...rows].map(([, name = '', kind = '']) => prometheusNameOf(name, kind)),
    ...[...exported].flatMap(([, name = '', alias = '']) => [name, alias]),
  ]);
}

/** `stance.dead_letters`, a counter, is `stance_dead_letters_total`: units are not part of the names (docs/telemetry.md). */
function prometheusNameOf(name: string, kind: string): string {
  return `${name.replaceAll('.', '_')}${kind === 'counter' ? '_total' : ''}`;
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
