import { AgentObserved, decodeEvent } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { startBench, startServices } from './pipeline.js';
import { distributionOf, type Distribution } from './statistics.js';

const POLL_INTERVAL_MS = 1_000;

/**
 * From an infection in the tenant to the delivery of its observation, in milliseconds beyond one poll interval; negative
 * where it came within it. Infections come at all moments between two polls.
 */
export async function measureObservation(infections: number): Promise<Distribution> {
  const bench = await startBench(infections * 2);
  try {
    await startServices(bench, ['sentinelone-poller'], {
      SENTINELONE_URL: bench.tenant.url,
      SENTINELONE_API_TOKEN: bench.tenant.token,
      SENTINELONE_POLL_INTERVAL: `${POLL_INTERVAL_MS}ms`,
      LOG_LEVEL: 'info',
    });
    await waitFor(() => bench.services.get('sentinelone-poller')?.lines.some(({ msg }) => msg === 'sweep complete'), {
      what: 'the first sweep',
      timeoutMs: 60_000,
    });
    const infectedAt = new Map<string, number>();
    const delays: number[] = [];
    const subscription = bench.connection.subscribe(`${AgentObserved.subjectPrefix}.>`, {
      callback: (_error, message) => {
        const { agentId, attributes } = decodeEvent(AgentObserved, message.data, message.subject).data;
        const at = infectedAt.get(agentId);
        if (at === undefined || attributes['sentinelOne:infected'] !== true) return;
        infectedAt.delete(agentId);
        delays.push(performance.now() - at - POLL_INTERVAL_MS);
      },
    });
    const healthy = bench.tenant.fleet.list().filter(({ infected }) => !infected);
    const chosen = healthy.slice(0, infections);
    for (const { id } of chosen) {
      // A prime number of steps to an interval, so that every moment of it is met.
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS / 17));
      infectedAt.set(id, performance.now());
      bench.tenant.fleet.infect(id);
    }
    await waitFor(() => delays.length >= chosen.length, { what: 'every infection to be observed', timeoutMs: 30_000 });
    subscription.unsubscribe();
    return distributionOf(delays);
  } finally {
    await bench.close();
  }
}
