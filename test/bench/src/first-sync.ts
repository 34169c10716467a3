import { jetstreamManager } from '@nats-io/jetstream';
import { decodeEvent, SourceReported, STREAMS, type DataOf } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { enroll, publishPolicy, residentMiB, settled, startBench, startServices, type Bench } from './pipeline.js';

export interface FirstSync {
  readonly agents: number;
  /** A loop that fetches the same pages at the documented rate and parses them, nothing else. */
  readonly bareSeconds: number;
  /** From the poller's start of reading to its last observation stored; nobody reads them yet. */
  readonly syncSeconds: number;
  /** A sweep later, with nothing changed. */
  readonly sweepSeconds: number;
  /** Observations that it published. */
  readonly sweepPublished: number;
  /** Resident bytes that each agent adds to a poller that has read a fifth of them already. */
  readonly pollerBytesPerAgent: number;
  /** The other four services, started on that backlog, until every device has its decisions and audit has everything. */
  readonly decidedSeconds: number;
  /** Resident MiB per service once all is settled. */
  readonly memory: Record<string, number>;
}

export async function measureFirstSync(agents: number): Promise<FirstSync> {
  const bench = await startBench(agents, { rateLimits: false });
  try {
    const bareSeconds = await bareLoop(bench);
    const manager = await jetstreamManager(bench.connection);
    await startServices(bench, ['sentinelone-poller'], {
      SENTINELONE_URL: bench.tenant.url,
      SENTINELONE_API_TOKEN: bench.tenant.token,
      SENTINELONE_SWEEP_INTERVAL: '5s',
      LOG_LEVEL: 'info',
    });
    const activeAt = performance.now();
    const poller = bench.services.get('sentinelone-poller');
    const observed = async () => (await manager.streams.info(STREAMS.AGENTS.name)).state.messages;
    await waitFor(async () => (await observed()) >= agents / 5, {
      what: 'a fifth of the agents to be observed',
      timeoutMs: 300_000,
      intervalMs: 20,
    });
    const warm = { agents: await observed(), mebibytes: await residentMiB(poller?.pid ?? 0) };
    await waitFor(async () => (await observed()) >= agents, {
      what: 'every agent to be observed',
      timeoutMs: 300_000,
      intervalMs: 20,
    });
    const syncSeconds = (performance.now() - activeAt) / 1_000;
    const { sweepSeconds, sweepPublished } = await unchangedSweep(bench);
    const fullPoller = await residentMiB(poller?.pid ?? 0);
    // The same without further sweeps, whose reading is not what is measured next.
    await poller?.stop();
    await publishPolicy(bench);
    await enroll(bench);
    const startedAt = performance.now();
    await startServices(bench, ['audit', 'policy-engine', 'posture-store', 'device-matcher'], {});
    await settled(bench.connection, 'every decision', 600_000);
    const decidedSeconds = (performance.now() - startedAt) / 1_000;
    const memory: Record<string, number> = {};
    for (const [name, service] of bench.services)
      if (name !== 'sentinelone-poller') memory[name] = Math.round(await residentMiB(service.pid));
    memory['nats-server'] = Math.round(await residentMiB(bench.nats.pid));
    memory['sentinelone-poller'] = Math.round(fullPoller);
    return {
      agents,
      bareSeconds,
      syncSeconds,
      sweepSeconds,
      sweepPublished,
      pollerBytesPerAgent: ((fullPoller - warm.mebibytes) * 2 ** 20) / (agents - warm.agents),
      decidedSeconds,
      memory,
    };
  } finally {
    await bench.close();
  }
}

/** The second sweep, by what the source reports of it. */
async function unchangedSweep({ connection }: Bench): Promise<{ sweepSeconds: number; sweepPublished: number }> {
  const reports: DataOf<typeof SourceReported>[] = [];
  const subscription = connection.subscribe(`${SourceReported.subjectPrefix}.>`, {
    callback: (_error, { data, subject }) => {
      reports.push(decodeEvent(SourceReported, data, subject).data);
    },
  });
  const completed = () => reports.filter(({ sweep }) => sweep?.completedAt !== undefined);
  await waitFor(() => completed().length > 0, { what: 'the first sweep to be complete', timeoutMs: 60_000 });
  const first = completed()[0]?.sweep?.completedAt;
  const isSecond = ({ sweep }: DataOf<typeof SourceReported>) => sweep?.completedAt !== first;
  await waitFor(() => completed().some(isSecond), { what: 'the second sweep', timeoutMs: 120_000 });
  subscription.unsubscribe();
  const second = completed().find(isSecond);
  const { startedAt = '', completedAt = '' } = second?.sweep ?? {};
  const publishedBefore = completed().findLast((report) => !isSecond(report))?.changed ?? 0;
  return {
    sweepSeconds: (Date.parse(completedAt) - Date.parse(startedAt)) / 1_000,
    sweepPublished: (second?.changed ?? 0) - publishedBefore,
  };
}

/** The pace of the poller: a little below the 25 requests a second that the API allows. */
const PAGE_INTERVAL_MS = 1_000 / (25 * 0.9);

async function bareLoop({ tenant }: Bench): Promise<number> {
  const startedAt = performance.now();
  let cursor: string | null = '';
  let agents = 0;
  let nextAt = startedAt;
  while (cursor !== null) {
    const wait = nextAt - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    nextAt = performance.now() + PAGE_INTERVAL_MS;
    const query = `limit=1000&sortBy=id&sortOrder=asc&isDecommissioned=True,False&isUninstalled=True,False${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const response = await fetch(`${tenant.url}/web/api/v2.1/agents?${query}`, {
      headers: { Authorization: `ApiToken ${tenant.token}` },
    });
    if (!response.ok) throw new Error(`the tenant answered ${response.status}`);
    const page = (await response.json()) as { data: unknown[]; pagination: { nextCursor: string | null } };
    agents += page.data.length;
    cursor = page.pagination.nextCursor;
  }
  if (agents !== tenant.fleet.size) throw new Error(`the loop read ${agents} of ${tenant.fleet.size} agents`);
  return (performance.now() - startedAt) / 1_000;
}
