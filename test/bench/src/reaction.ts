import { SessionStarted, STREAMS } from '@stance/contracts';
import { connectGateway } from '@stance/gateway-sdk';
import { waitFor } from '@stance/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { enroll, publishPolicy, settled, SERVICES, startBench, startServices, type Bench } from './pipeline.js';
import { meanBytes, type MeanBytes } from './message-sizes.js';
import { distributionOf, WARM_UP_BURST, WARM_UP_CHANGES, type Distribution } from './statistics.js';
import { startTap } from './tap.js';

export interface Reaction {
  readonly reaction: Distribution;
  readonly sizes: MeanBytes;
}

/** Infects and cleans every machine, until as many changes have gone through as the warm-up asks for. */
async function warmUp(bench: Bench): Promise<void> {
  const machines = bench.tenant.fleet.list();
  for (let changes = 0; changes < WARM_UP_BURST; changes += 2 * machines.length) {
    for (const { id } of machines) bench.tenant.fleet.infect(id);
    await polledAndSettled(bench);
    for (const { id } of machines) bench.tenant.fleet.clean(id);
    await polledAndSettled(bench);
  }
}

/** A poll that began after the call has been answered, and all that followed from it is done. */
async function polledAndSettled(bench: Bench): Promise<void> {
  const mark = Date.now();
  const polls = () =>
    bench.tenant.requests().filter(({ query, at }) => at > mark && query.includes('sortBy=updatedAt')).length;
  await waitFor(() => polls() > 1, { what: 'the next polls', timeoutMs: 30_000 });
  await settled(bench.connection, 'the warm-up');
}

/** From the console's answer to the gateway's callback, one change after the other at a steady rate. */
export async function measureReaction(options: {
  changes: number;
  perSecond: number;
  answerEveryMs: number;
}): Promise<Reaction> {
  const changes = options.changes + WARM_UP_CHANGES;
  const agents = Math.ceil(changes * 1.1);
  const bench = await startBench(agents, { rateLimits: false });
  const answeredAt = new Map<string, number>();
  const awaited = new Set<string>();
  const tap = await startTap(bench.tenant.port, (piece, at) => {
    if (awaited.size === 0) return;
    const text = piece.toString('latin1');
    for (const id of awaited) {
      if (!text.includes(`"id":"${id}"`)) continue;
      awaited.delete(id);
      answeredAt.set(id, at);
    }
  });
  try {
    await startServices(bench, SERVICES, {
      SENTINELONE_URL: tap.url,
      SENTINELONE_API_TOKEN: bench.tenant.token,
      SENTINELONE_POLL_INTERVAL: `${options.answerEveryMs}ms`,
      SENTINELONE_SWEEP_INTERVAL: '1h',
      LOG_LEVEL: 'info',
    });
    await publishPolicy(bench);
    const deviceOfAgent = await enroll(bench);
    await waitFor(() => bench.services.get('sentinelone-poller')?.lines.some(({ msg }) => msg === 'sweep complete'), {
      what: 'the first sweep',
      timeoutMs: 60_000,
    });
    await settled(bench.connection, 'the first decisions');
    await warmUp(bench);

    const agentOfDevice = new Map([...deviceOfAgent].map(([agent, device]) => [device, agent]));
    const reactions: number[] = [];
    const gateway = await connectGateway({
      connection: bench.connection,
      gateway: 'edge',
      onRevoked: ({ deviceId }) => {
        const answered = answeredAt.get(agentOfDevice.get(deviceId) ?? '');
        if (answered !== undefined) reactions.push(performance.now() - answered);
      },
    });
    await waitFor(() => gateway.health().trusted, { what: 'the gateway to hear the engine', timeoutMs: 20_000 });
    const devices = [...agentOfDevice]
      .filter(([deviceId]) => gateway.decide({ deviceId, resource: 'payroll' }).allowed)
      .slice(0, changes);
    for (const [deviceId] of devices) gateway.startSession({ deviceId, resource: 'payroll', enforcement: 'cut' });
    const manager = await jetstreamManager(bench.connection);
    await waitFor(async () => (await manager.streams.info(STREAMS.SESSIONS.name)).state.messages >= devices.length, {
      what: `${devices.length} sessions to be stored (${SessionStarted.name})`,
      timeoutMs: 60_000,
    });
    await settled(bench.connection, 'the sessions to be looked at');

    const interval = 1_000 / options.perSecond;
    const startedAt = performance.now();
    for (const [index, [, agent]] of devices.entries()) {
      const due = startedAt + index * interval;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      awaited.add(agent);
      bench.tenant.fleet.infect(agent);
    }
    await waitFor(() => reactions.length >= devices.length, { what: 'every session to be revoked', timeoutMs: 30_000 });
    const sizes = await meanBytes(bench.connection);
    await gateway.close();
    return { reaction: distributionOf(reactions.slice(WARM_UP_CHANGES)), sizes };
  } finally {
    await bench.close();
    await tap.close();
  }
}
