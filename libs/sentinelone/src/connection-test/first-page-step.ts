import type { Clock } from '../clock.js';
import { MAX_PAGE_SIZE } from '../listing.js';
import type { SentinelOneClient } from '../sentinelone.client.js';
import { summarise } from './page-summary.js';
import { failed, ok, warning, type Finding } from './step.js';
import { counted, seconds } from './wording.js';

/** Clocks further apart make "how old" a guess. */
const CLOCK_TOLERANCE_MS = 30_000;

/** What the first page shows about the data. */
export async function firstPageStep(
  client: SentinelOneClient,
  context: {
    agents: number | undefined;
    sweepIntervalMs: number;
    clock: Clock;
    signal: AbortSignal | undefined;
  },
): Promise<Finding> {
  const started = context.clock.monotonic();
  const page = await client.agentsPage({ sortBy: 'id' }, { signal: context.signal });
  const tookMs = context.clock.monotonic() - started;
  const summary = summarise(page);
  const { records, unreadable, withoutSerial, sharingSerial, oldest, newest, clockAheadMs = 0 } = summary;
  if (records === 0) return warning('the first page is empty', 'Check the scope of the Service User.');
  const sweepMs = tookMs * Math.ceil((context.agents ?? records) / MAX_PAGE_SIZE);
  const found = [
    `${counted(records, 'record')} in ${Math.round(tookMs)} ms`,
    ...(unreadable > 0 ? [`${unreadable} unreadable (${summary.problem})`] : []),
    serialText(withoutSerial, sharingSerial),
    ...(oldest === undefined || newest === undefined
      ? ['none says when it changed']
      : [`changed ${oldest} to ${newest}`]),
    clockText(summary.clockAheadMs),
    `at this pace a first sync takes about ${seconds(sweepMs / 1000)}`,
  ].join('; ');
  const fixes = [
    ...(unreadable > 0
      ? ['While records are unreadable, no agent is retired: report them to the support of SentinelOne.']
      : []),
    ...(newest === undefined ? ['Without `updatedAt` only sweeps show changes.'] : []),
    ...(Math.abs(clockAheadMs) > CLOCK_TOLERANCE_MS ? ['Set the clock of this machine (NTP).'] : []),
    ...(sweepMs > context.sweepIntervalMs
      ? ['At this pace a sweep takes longer than the time between two: sweep less often.']
      : []),
    ...((withoutSerial + sharingSerial) * 2 > records
      ? [
          'Most agents have no usable serial number: give the inventory external ids, MAC addresses or host names to match by.',
        ]
      : []),
  ];
  if (unreadable === records) return failed(found, fixes.join(' '));
  return fixes.length === 0 ? ok(found) : warning(found, fixes.join(' '));
}

function serialText(without: number, sharing: number): string {
  const unusable = `${without + sharing} without a usable serial number`;
  return sharing === 0 ? unusable : `${unusable} (${without} have none, ${sharing} share theirs)`;
}

function clockText(aheadMs: number | undefined): string {
  if (aheadMs === undefined) return 'the console does not tell its time';
  if (aheadMs === 0) return 'clocks agree';
  return `the console's clock is ${seconds(Math.abs(aheadMs) / 1000)} ${aheadMs > 0 ? 'ahead of' : 'behind'} this one`;
}
