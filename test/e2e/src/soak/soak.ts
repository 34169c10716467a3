import { setTimeout as sleep } from 'node:timers/promises';

import { STREAMS, VerifyAudit } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { waitFor } from '@stance/testing';

import { Dice } from '../estate/dice.js';
import { Estate } from '../estate/estate.js';
import { needlessObservations } from '../estate/news.js';
import { Truth } from '../estate/truth.js';
import { settled } from '../facts.js';
import { incidentsOf, type Incident } from './day.js';
import { Memory, type MemoryReading } from './memory.js';
import { Trickle } from './trickle.js';
import { Watch } from './watch.js';

export interface SoakOptions {
  readonly seed: number;
  /** How long the day takes, in milliseconds. */
  readonly lengthMs: number;
  /** How many of the day's incidents happen, spread over it; default all. */
  readonly incidents?: number;
  /** From a change in a console to its posture, in peace, in milliseconds; below the time between two sweeps. Default 2,000. */
  readonly boundMs?: number;
  /** Told what goes on. */
  readonly say?: (line: string) => void;
}

export interface SoakReport {
  readonly seed: number;
  readonly seconds: number;
  readonly incidents: readonly string[];
  readonly changes: number;
  /** Milliseconds from a change in a console to the posture, in peace. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly worst: number };
  readonly slowestRecoveryMs: number;
  readonly memory: readonly MemoryReading[];
  /** What went wrong; nothing, when all is well. */
  readonly problems: readonly string[];
}

/** A day's real intervals, divided by 250: 10 s, 15 min and 1 h become 40 ms, 3.6 s and 14.4 s. */
const SCALE = 250;
const FRESHNESS_STEP_MS = 3_600_000 / SCALE;
const ENVIRONMENT = {
  SENTINELONE_POLL_INTERVAL: '40ms',
  SENTINELONE_SWEEP_INTERVAL: '3600ms',
  STANCE_FRESHNESS_STEP: `${FRESHNESS_STEP_MS}ms`,
};
const FLEETS = {
  north: { size: 300, unusableSerials: 0, reRegistered: 0 },
  south: { size: 100, unusableSerials: 0, reRegistered: 0 },
};
const BEAT_MS = 40;
/** Every agent reports once in this time: eight minutes of a day. */
const CHECK_IN_MS = 2_000;
const SETTLING_MS = 90_000;

/** One whole day of two consoles, compressed. Ends what it started, whatever happens. */
export async function soak({
  seed,
  lengthMs,
  incidents: count,
  boundMs = 2_000,
  say = () => undefined,
}: SoakOptions): Promise<SoakReport> {
  const estate = await Estate.start({ fleets: FLEETS, environment: ENVIRONMENT });
  try {
    const dice = new Dice(seed);
    const truth = new Truth(estate, FRESHNESS_STEP_MS);
    const { watch, stop } = await Watch.start(estate.stack, boundMs);
    const trickle = new Trickle(estate, dice, watch);
    await trickle.takeStock((device) => truth.recorded(device));
    await estate.run();
    await right(truth);
    await settled(estate.stack, SETTLING_MS);
    const startedAt = performance.now();
    const memory = new Memory(estate, lengthMs / 4);
    const hour = lengthMs / 24;
    const incidents = incidentsOf(estate, dice, trickle, hour).slice(0, count);
    const day = new AbortController();
    const beats = ((FLEETS.north.size + FLEETS.south.size) * BEAT_MS) / CHECK_IN_MS;
    const goingOn = [
      everyMs(BEAT_MS, () => trickle.heartbeats(beats), day.signal),
      everyMs(60, () => trickle.change(), day.signal),
      everyMs(1_000, () => memory.read(), day.signal),
    ];
    try {
      await pass({ incidents, watch, dice, lengthMs, say });
    } finally {
      day.abort();
      await Promise.all(goingOn);
    }
    const problems = await problemsOf(estate, truth, watch);
    await stop();
    return {
      seed,
      seconds: (performance.now() - startedAt) / 1_000,
      incidents: incidents.map(({ what }) => what),
      changes: watch.arrived,
      latency: quantiles(watch.latencies),
      slowestRecoveryMs: watch.slowestRecovery,
      memory: memory.report(),
      problems: [...problems, ...growthOf(memory.report())],
    };
  } finally {
    await estate.close();
  }
}

interface Day {
  readonly incidents: readonly Incident[];
  readonly watch: Watch;
  readonly dice: Dice;
  readonly lengthMs: number;
  readonly say: (line: string) => void;
}

/** Lets the incidents happen one after the other, at times of the dice's choosing, until the day is over. */
async function pass({ incidents, watch, dice, lengthMs, say }: Day): Promise<void> {
  const startedAt = performance.now();
  const until = (ms: number) => sleep(Math.max(0, startedAt + ms - performance.now()));
  const slot = lengthMs / (incidents.length + 1);
  for (const [index, { what, happen, recoversInMs }] of incidents.entries()) {
    await until(slot * (index + 0.3 + dice.fraction() * 0.4));
    const clock = new Date(((performance.now() - startedAt) / lengthMs) * 86_400_000).toISOString().slice(11, 16);
    say(`${clock} ${what}`);
    await watch.during(happen, recoversInMs);
  }
  await until(lengthMs);
}

async function right(truth: Truth): Promise<void> {
  const look = async () => {
    const differences = await truth.differences();
    if (differences.length > 0) throw new Error(`${differences.length}: ${differences.slice(0, 5).join('\n')}`);
    return true;
  };
  const what = 'everything to be as the consoles and the inventory say';
  await waitFor(look, { what, timeoutMs: SETTLING_MS, intervalMs: 250 });
}

/** Whether the day left a gap anywhere. */
async function problemsOf(estate: Estate, truth: Truth, watch: Watch): Promise<string[]> {
  const problems = [...watch.late];
  const attempt = async (look: () => Promise<void>) => {
    try {
      await look();
    } catch (error) {
      problems.push(String(error));
    }
  };
  for (const { tenant } of estate.consoles) tenant.faults.clear();
  await attempt(() => estate.active());
  await attempt(() => right(truth));
  await attempt(() => settled(estate.stack, SETTLING_MS));
  await attempt(async () => {
    const { intact, gaps } = await ask(estate.stack.connection, VerifyAudit, {}, { timeoutMs: 60_000 });
    if (!intact || gaps > 0) problems.push(`audit is ${intact ? '' : 'not '}intact and has ${gaps} gaps`);
  });
  const dead = await estate.stack.lastSequence(STREAMS.DEAD);
  if (dead > 0) problems.push(`${dead} dead letters`);
  problems.push(...(await needlessObservations(estate.stack, FRESHNESS_STEP_MS)).slice(0, 5));
  return problems;
}

/** Twice of what a process needed when it was warm, and what a garbage collector leaves lying about. */
function growthOf(readings: readonly MemoryReading[]): string[] {
  return readings
    .filter(({ warm, last }) => last > 2 * warm + 64)
    .map(({ service, warm, last }) => `${service} grew from ${warm.toFixed(0)} to ${last.toFixed(0)} MiB`);
}

async function everyMs(interval: number, act: () => Promise<void> | void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await act();
    await sleep(interval);
  }
}

function quantiles(values: readonly number[]): SoakReport['latency'] {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), worst: at(1) };
}
