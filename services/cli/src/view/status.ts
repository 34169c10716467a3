import type { EngineStatus } from '@stance/contracts';
import type { StatusReport } from '../records/status.js';
import { showHolds } from './holds.js';
import type { Style } from './paint.js';
import type { Screen } from './screen.js';
import { counted, grouped, plain, relativeTime } from './text.js';

type Source = StatusReport['sources'][number];

const SOURCE_STYLES = {
  starting: 'yellow',
  ok: 'green',
  degraded: 'yellow',
  paused: 'yellow',
  failed: 'red',
} as const satisfies Record<Source['state'], Style>;

export function sourceStyle({ state }: Source): Style {
  return SOURCE_STYLES[state];
}

/** The state of everything on one screen; `now` in milliseconds since the epoch. */
export function showStatus(screen: Screen, report: StatusReport, now: number): void {
  const { paint } = screen;
  const field = (name: string, value: string) => screen.line(`${paint('bold', name.padEnd(14))}${value}`);
  const { devices, agents, decisions, sessions } = report;
  showHolds(screen, report.engine?.holds ?? [], now);
  field('server', `nats-server ${report.server.version} at ${plain(report.server.url)}`);
  report.sources.forEach((source, index) => field(index === 0 ? 'sources' : '', sourceText(source, screen, now)));
  if (report.sources.length === 0) field('sources', paint('yellow', 'none has reported yet'));
  field(
    'devices',
    `${devices.enrolled} enrolled: ${devices.matched} matched, ${devices.unmatched} without an agent, ` +
      `${devices.quarantined} quarantined; ${devices.retired} retired`,
  );
  field('agents', `${agents.matched} matched, ${agents.unmatched} unmatched, ${agents.quarantined} quarantined`);
  field('policy', policyText(report, screen));
  field('engine', engineText(report, screen, now));
  field('decisions', `${decisions.allow} allow, ${decisions.warn} warn, ${decisions.deny} deny`);
  field('sessions', `${sessions.open} open, ${sessions.revoked} revoked, ${sessions.ended} ended`);
  field('audit', report.auditRecords === null ? 'not for this user to see' : counted(report.auditRecords, 'record'));
  const dead = counted(report.deadLetters, 'message');
  field('dead letters', report.deadLetters === 0 ? 'none' : paint('red', dead));
  const behind = report.consumers.filter(({ pending, inFlight }) => pending + inFlight > 0);
  field('lag', lagText(report.consumers.length, behind.length));
  for (const { stream, durable, pending, inFlight } of behind) {
    screen.line(`  ${plain(durable)} on ${stream}: ${pending} pending, ${inFlight} in flight`);
  }
}

function lagText(consumers: number, behind: number): string {
  if (consumers === 0) return 'no service reads any stream yet';
  return behind === 0 ? `none, ${counted(consumers, 'consumer')}` : `${behind} of ${counted(consumers, 'consumer')}`;
}

function sourceText(source: Source, { paint }: Screen, now: number): string {
  const state = paint(sourceStyle(source), source.state);
  const error = source.error === undefined ? '' : `: ${plain(source.error.title)}`;
  const success = `last success ${relativeTime(source.lastSuccessAt, now)}`;
  const refused =
    source.refusedSweep === undefined ? '' : paint('red', ', a sweep waits for a person (`stance sources`)');
  return `${plain(source.source)} ${state}${error}, ${counted(source.agents, 'agent')}, ${success}${refused}`;
}

function policyText({ policy }: StatusReport, { paint }: Screen): string {
  const active =
    policy.activeRevision === null
      ? paint('red', 'none is active: everything is denied')
      : `revision ${policy.activeRevision} is active`;
  const reporting =
    policy.reportingRevision === null
      ? ''
      : paint('yellow', `; revision ${policy.reportingRevision} runs beside it in report mode and decides nothing`);
  const refused =
    policy.refusedRevision === null ? '' : paint('red', `; revision ${policy.refusedRevision} was refused`);
  return active + reporting + refused;
}

function brokenPolicyText({ policyRevision, policyErrors: [first] = [] }: EngineStatus): string {
  const why = first === undefined ? '' : ` (${plain(first.message)})`;
  return (
    `revision ${policyRevision} no longer loads${why}, so everything is denied: ` +
    '`stance policy rollback`, or publish a corrected one'
  );
}

function engineText({ engine }: StatusReport, { paint }: Screen, now: number): string {
  if (engine === null) return paint('red', 'does not answer: gateways that hear nothing deny');
  if (!engine.policyLoads) {
    return paint('red', brokenPolicyText(engine));
  }
  const { review, holds } = engine;
  const held = holds.length === 0 ? '' : paint('red', `, ${counted(holds.length, 'gateway')} holding revocations back`);
  if (review === null) return `decides as things happen${held}`;
  const percent = review.total === 0 ? 100 : Math.floor((100 * review.reviewed) / review.total);
  const done = `${grouped(review.reviewed)} of ${grouped(review.total)} devices (${percent} %)`;
  return paint('yellow', `reviews the fleet: ${done}, begun ${relativeTime(review.startedAt, now)}`) + held;
}
