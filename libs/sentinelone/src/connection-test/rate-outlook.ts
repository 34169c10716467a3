import { MAX_PAGE_SIZE } from '../listing.js';
import { DOCUMENTED_RATES, SAFE_RATES, type Rate } from '../rate-limit.js';

/** What a fleet of this size costs of the token's budget. */
export interface RateOutlook {
  /** Pages of 1000 that hold all agents. */
  readonly pages: number;
  /** Requests to `/agents` per second that are used, and that the console documents. */
  readonly perSecond: number;
  readonly documentedPerSecond: number;
  /** Seconds that the rate alone asks for a first sync, and for each sweep: the answers themselves take longer. */
  readonly sweepSeconds: number;
  /** Share of the budget that polls and sweeps take together; above 1 they cannot be held. */
  readonly load: number;
  /** The shortest sweep interval, in milliseconds. */
  readonly shortestSweepMs: number;
  /** The shortest poll interval beside these sweeps, in milliseconds; undefined when they alone take everything. */
  readonly shortestPollMs: number | undefined;
}

/** Each poll asks `/agents` for what changed and for who came back from silence; `/threats` and `/activities` once. */
const AGENT_REQUESTS_PER_POLL = 2;

/** What the documented rates allow. Intervals in milliseconds. */
export function rateOutlook(fleet: { agents: number; pollIntervalMs: number; sweepIntervalMs: number }): RateOutlook {
  const pages = Math.max(1, Math.ceil(fleet.agents / MAX_PAGE_SIZE));
  const { perSecond } = rateOf(SAFE_RATES, '/agents');
  const sweepSeconds = pages / perSecond;
  const sweepShare = (sweepSeconds * 1000) / fleet.sweepIntervalMs;
  const pollSeconds = AGENT_REQUESTS_PER_POLL / perSecond;
  const lanes = Math.max(...['/threats', '/activities'].map((path) => 1000 / rateOf(SAFE_RATES, path).perSecond));
  return {
    pages,
    perSecond,
    documentedPerSecond: rateOf(DOCUMENTED_RATES, '/agents').perSecond,
    sweepSeconds,
    load: Math.max(sweepShare + (pollSeconds * 1000) / fleet.pollIntervalMs, lanes / fleet.pollIntervalMs),
    shortestSweepMs: Math.ceil(sweepSeconds * 1000),
    shortestPollMs: sweepShare >= 1 ? undefined : Math.ceil(Math.max((pollSeconds * 1000) / (1 - sweepShare), lanes)),
  };
}

function rateOf(rates: Readonly<Record<string, Rate>>, path: string): Rate {
  const rate = rates[path];
  if (rate === undefined) throw new RangeError(`No rate is known for ${path}`);
  return rate;
}
