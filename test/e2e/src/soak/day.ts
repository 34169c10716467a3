import { setTimeout as sleep } from 'node:timers/promises';

import { OperatorActed, SourceReported } from '@stance/contracts';
import type { Fault } from '@stance/simulators';
import { waitFor } from '@stance/testing';

import type { Dice } from '../estate/dice.js';
import type { Estate } from '../estate/estate.js';
import { Trouble } from '../estate/trouble.js';
import { lastOf } from '../facts.js';
import type { Trickle } from './trickle.js';

/** Something that goes wrong on a day; it is over when it resolves. */
export interface Incident {
  readonly what: string;
  readonly happen: () => Promise<void>;
  /** After it is over: leases, acknowledgements and back-off are not scaled down. In milliseconds. */
  readonly recoversInMs: number;
}

/** A message that a process had when it died comes again after five seconds; a lease is free after three. */
const AFTER_RESTART_MS = 7_000;
/** The pause before another attempt doubles while a console is down, up to the length of that. */
const AFTER_OUTAGE_MS = 12_000;

/** Larger than any count of requests until a fault is ended. */
const UNTIL_ENDED = 1_000_000;

/** What goes wrong in the course of a day. `hour` is how long an hour takes, in milliseconds. */
export function incidentsOf(estate: Estate, dice: Dice, trickle: Trickle, hour: number): readonly Incident[] {
  const trouble = new Trouble(estate, dice, false);
  const [north, south] = [estate.console('north'), estate.console('south')];
  const faulty = (what: string, fault: Fault, lasts: number): Incident => ({
    what,
    happen: async () => {
      north.tenant.faults.script({ ...fault, times: UNTIL_ENDED });
      await sleep(lasts);
      north.tenant.faults.clear();
    },
    recoversInMs: AFTER_OUTAGE_MS,
  });
  const incident = (what: string, happen: () => Promise<void>): Incident => ({
    what,
    happen,
    recoversInMs: AFTER_RESTART_MS,
  });
  const restart = (what: string, name: string, signal: 'SIGTERM' | 'SIGKILL') =>
    incident(what, () => estate.restart(name, signal));
  return [
    restart('the northern poller is killed', 'poller of north', 'SIGKILL'),
    incident('a token is replaced', () => trouble.token(0.3 * hour)),
    faulty('a console is down at night', { kind: 'server-error', status: 503 }, hour / 2),
    restart('the matcher is stopped and started', 'device-matcher', 'SIGTERM'),
    faulty('the console wants fewer requests', { kind: 'rate-limited', retryAfterSeconds: 1 }, hour / 3),
    // A server of NATS_URL is not ours to kill.
    ...(estate.stack.nats.dedicated ? [incident('nats-server is killed', () => trouble.server())] : []),
    incident('a refused sweep waits for a person', () => approveOfRemoval(estate, trickle, 20)),
    restart('the posture store is killed', 'posture-store', 'SIGKILL'),
    faulty('connections break', { kind: 'connection-reset' }, hour / 3),
    incident('a console hangs', () => trouble.hang()),
    faulty('answers are cut short', { kind: 'truncated-body' }, hour / 4),
    restart('the matcher is killed', 'device-matcher', 'SIGKILL'),
    faulty('pages are no JSON', { kind: 'invalid-json' }, hour / 4),
    restart('the southern poller is stopped and started', 'poller of south', 'SIGTERM'),
    restart('audit is killed', 'audit', 'SIGKILL'),
    incident('a token expires', () => expireToken(0.5 * hour)),
  ];

  async function expireToken(forMs: number): Promise<void> {
    south.tenant.tokens.expire();
    await sleep(forMs);
    south.tenant.tokens.replace();
    await estate.writeToken(south);
  }
}

/** A site is given up: too many agents vanish at once, the sweep is refused, and a person says that it is right. */
async function approveOfRemoval(estate: Estate, trickle: Trickle, count: number): Promise<void> {
  const source = 'south';
  trickle.remove(source, count);
  const reportOf = async (isRefused: boolean) => {
    const reports = await lastOf(estate.stack, SourceReported);
    const report = reports.find((one) => one.source === source);
    return report !== undefined && (report.refusedSweep !== undefined) === isRefused ? report : undefined;
  };
  const report = await waitFor(() => reportOf(true), { what: 'the sweep to be refused', timeoutMs: 30_000 });
  const { startedAt = '', digest = '' } = report.refusedSweep ?? {};
  await estate.stack.publisher('cli').publish(
    OperatorActed,
    {
      kind: 'sweep-approved',
      targetId: source,
      by: 'kim',
      reason: 'the site was given up',
      details: { startedAt, digest },
    },
    { id: `soak:approval:${startedAt}`, cause: {} },
  );
  await waitFor(() => reportOf(false), { what: 'the approved sweep to be believed', timeoutMs: 30_000 });
}
