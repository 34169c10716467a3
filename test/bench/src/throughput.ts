import { jetstreamManager } from '@nats-io/jetstream';
import { STREAMS } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import {
  cpuSeconds,
  enroll,
  publishPolicy,
  settled,
  SERVICES,
  startBench,
  startServices,
  type Bench,
} from './pipeline.js';

export interface Throughput {
  readonly changesPerSecond: number;
  /** From the first change to the last decision stored, in seconds; audit drains after it. */
  readonly decidedAfterSeconds: number;
  readonly drainedAfterSeconds: number;
  /** Processor time per change, in microseconds, of each process. */
  readonly cpuMicroseconds: Record<string, number>;
}

/**
 * Every machine of a fleet changes at once; measured from there until every decision is written, every fact audited and
 * nothing pending.
 */
export async function measureThroughput(changes: number): Promise<Throughput> {
  const bench = await startBench(changes, { rateLimits: false });
  try {
    await startServices(bench, SERVICES, {
      SENTINELONE_URL: bench.tenant.url,
      SENTINELONE_API_TOKEN: bench.tenant.token,
      SENTINELONE_POLL_INTERVAL: '45ms',
      SENTINELONE_SWEEP_INTERVAL: '1h',
    });
    await publishPolicy(bench);
    await enroll(bench);
    await waitFor(() => bench.services.get('sentinelone-poller')?.lines.some(({ msg }) => msg === 'sweep complete'), {
      what: 'the first sweep',
      timeoutMs: 120_000,
    });
    await settled(bench.connection, 'the first decisions');
    const manager = await jetstreamManager(bench.connection);
    const lastDecision = async () => (await manager.streams.info(STREAMS.DECISIONS.name)).state.last_seq;
    const lastPosture = async () => (await manager.streams.info(STREAMS.POSTURE.name)).state.last_seq;
    const [decisionsBefore, posturesBefore] = [await lastDecision(), await lastPosture()];

    const machines = bench.tenant.fleet.list().map(({ id }) => id);
    const cpuBefore = await cpuOf(bench);
    const startedAt = performance.now();
    for (const [index, id] of machines.entries()) {
      bench.tenant.fleet.infect(id);
      // The console serves requests while its fleet changes.
      if (index % 200 === 199) await new Promise((resolve) => setImmediate(resolve));
    }
    // Machines without a usable serial number belong to no device: only what has a posture is decided about.
    let decided = 0;
    await waitFor(
      async () => {
        const facts = (await manager.streams.info(STREAMS.AGENTS.name)).state.last_seq;
        decided = (await lastDecision()) - decisionsBefore;
        return facts >= 2 * changes && decided >= (await lastPosture()) - posturesBefore && decided > 0.9 * changes;
      },
      { what: 'every decision', timeoutMs: 180_000, intervalMs: 20 },
    );
    const decidedAfterSeconds = (performance.now() - startedAt) / 1_000;
    await settled(bench.connection, 'audit to have recorded everything');
    const drainedAfterSeconds = (performance.now() - startedAt) / 1_000;
    const cpuAfter = await cpuOf(bench);
    const cpuMicroseconds = Object.fromEntries(
      Object.entries(cpuAfter).map(([name, seconds]) => [
        name,
        Math.round(((seconds - (cpuBefore[name] ?? 0)) * 1e6) / decided),
      ]),
    );
    return {
      changesPerSecond: decided / drainedAfterSeconds,
      decidedAfterSeconds,
      drainedAfterSeconds,
      cpuMicroseconds,
    };
  } finally {
    await bench.close();
  }
}

async function cpuOf(bench: Bench): Promise<Record<string, number>> {
  const pids = new Map([...bench.services].map(([name, { pid }]) => [name, pid]));
  pids.set('nats-server', bench.nats.pid).set('console and driver', process.pid);
  const seconds: Record<string, number> = {};
  for (const [name, pid] of pids) seconds[name] = await cpuSeconds(pid);
  return seconds;
}
