import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { jetstreamManager, StorageType } from '@nats-io/jetstream';
import { AgentObserved, STREAMS } from '@stance/contracts';
import { EventPublisher } from '@stance/jetstream';
import { readAgent } from '@stance/sentinelone';
import { waitFor } from '@stance/testing';
import { enroll, residentMiB, startBench, startServices, type Bench } from './pipeline.js';

export interface Matching {
  readonly agents: number;
  /** Agents a second from the matcher's first look at a backlog of observations to the last register stored. */
  readonly agentsPerSecond: number;
  /** Messages a second of a bare hop over the same backlog: read, store as many bytes, acknowledge. */
  readonly bareMessagesPerSecond: number;
  /** Resident bytes that each agent with its device adds to a matcher that has matched a fifth of them already. */
  readonly bytesPerAgent: number;
}

/** The matcher alone, on a backlog of observations and an inventory that lists every machine. */
export async function measureMatching(agents: number): Promise<Matching> {
  const bench = await startBench(agents, { rateLimits: false });
  try {
    await enroll(bench);
    const records = bench.tenant.fleet.list();
    const first = Math.round(agents / 5);
    await observeAll(bench, records.slice(0, first));
    await startServices(bench, ['device-matcher'], {});
    await matched(bench, first);
    const warm = await residentMiB(pidOf(bench));
    await bench.services.get('device-matcher')?.stop();
    await observeAll(bench, records.slice(first));
    const bareMessagesPerSecond = await bareHop(bench, agents);
    await startServices(bench, ['device-matcher'], {});
    const startedAt = performance.now();
    await matched(bench, agents);
    const agentsPerSecond = (agents - first) / ((performance.now() - startedAt) / 1_000);
    const full = await residentMiB(pidOf(bench));
    const bytesPerAgent = ((full - warm) * 2 ** 20) / (agents - first);
    return { agents, agentsPerSecond, bareMessagesPerSecond, bytesPerAgent };
  } finally {
    await bench.close();
  }
}

async function matched({ connection }: Bench, agents: number): Promise<void> {
  const manager = await jetstreamManager(connection);
  await waitFor(async () => (await manager.streams.info(STREAMS.MATCHES.name)).state.messages >= agents, {
    what: `${agents} agents to be matched`,
    timeoutMs: 300_000,
    intervalMs: 20,
  });
}

function pidOf({ services }: Bench): number {
  return services.get('device-matcher')?.pid ?? Number.NaN;
}

/** Publishes what a poller would of these agents. */
async function observeAll({ connection }: Bench, records: readonly object[]): Promise<void> {
  // All at once: the last ones wait for those before.
  const publisher = new EventPublisher(connection, 'sentinelone-poller', { timeoutMs: 300_000 });
  const observedAt = new Date().toISOString();
  await Promise.all(
    records.map(async (record) => {
      const reading = readAgent(record);
      if (!reading.ok) return;
      const { unreadable: _unreadable, ...agent } = reading.agent;
      const options = { id: `bench:${agent.agentId}`, cause: {} };
      await publisher.publish(AgentObserved, { source: 'sentinelone', ...agent, observedAt }, options);
    }),
  );
}

async function bareHop({ connection, nats }: Bench, agents: number): Promise<number> {
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: 'BARE', subjects: ['bare.>'], storage: StorageType.File });
  const size = await meanBytes(manager);
  const hop = fileURLToPath(new URL('./relay-hop.js', import.meta.url));
  const child = spawn(process.execPath, [hop, nats.url, 'bare', String(size), STREAMS.AGENTS.name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const startedAt = performance.now();
  await waitFor(async () => (await manager.streams.info('BARE')).state.messages >= agents, {
    what: 'the bare hop to be done',
    timeoutMs: 300_000,
    intervalMs: 20,
  });
  const perSecond = agents / ((performance.now() - startedAt) / 1_000);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
  await manager.streams.delete('BARE');
  await manager.consumers.delete(STREAMS.AGENTS.name, 'relay-bare');
  return perSecond;
}

async function meanBytes(manager: Awaited<ReturnType<typeof jetstreamManager>>): Promise<number> {
  const { state } = await manager.streams.info(STREAMS.AGENTS.name);
  return Math.round(state.bytes / Math.max(1, state.messages));
}
