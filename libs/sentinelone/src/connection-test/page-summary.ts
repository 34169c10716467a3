import { readAgent } from '../agent-record.js';
import type { AgentsPage } from '../paging.js';

/** What one page of agents shows about the data of a console. */
export interface PageSummary {
  readonly records: number;
  readonly unreadable: number;
  /** Why the first unreadable one cannot be read. */
  readonly problem: string | undefined;
  /** Agents without a serial number. */
  readonly withoutSerial: number;
  /** Agents whose serial number another one has as well: placeholders, or machines enrolled twice. */
  readonly sharingSerial: number;
  /** `updatedAt` of the record that changed the longest ago and the latest. */
  readonly oldest: string | undefined;
  readonly newest: string | undefined;
  /** Milliseconds that the console's clock is ahead of ours, to the second; undefined when its answer had no date. */
  readonly clockAheadMs: number | undefined;
}

export function summarise(page: AgentsPage): PageSummary {
  let unreadable = 0;
  let problem: string | undefined;
  let withoutSerial = 0;
  const holders = new Map<string, number>();
  const times: string[] = [];
  for (const record of page.agents) {
    const reading = readAgent(record);
    if (!reading.ok) {
      unreadable++;
      problem ??= reading.problem.message;
      continue;
    }
    const { hardware, reportedAt } = reading.agent;
    const serial = hardware.serialNumber?.toLowerCase();
    if (serial === undefined) withoutSerial++;
    else holders.set(serial, (holders.get(serial) ?? 0) + 1);
    if (reportedAt !== undefined) times.push(reportedAt);
  }
  times.sort();
  return {
    records: page.agents.length,
    unreadable,
    problem,
    withoutSerial,
    sharingSerial: [...holders.values()].filter((count) => count > 1).reduce((sum, count) => sum + count, 0),
    oldest: times.at(0),
    newest: times.at(-1),
    clockAheadMs: page.consoleTime === undefined ? undefined : secondsOnly(page.consoleTime - page.receivedAt),
  };
}

/** The header has no fraction, and the answer was under way for a while: a second says nothing. */
function secondsOnly(ms: number): number {
  return Math.abs(ms) <= 1_500 ? 0 : Math.round(ms / 1000) * 1000;
}
