import type { DataOf, EventOf, OperatorActed, SourceReported } from '@stance/contracts';

export type RefusedSweep = NonNullable<DataOf<typeof SourceReported>['refusedSweep']>;
export type Approval = EventOf<typeof OperatorActed>;

/** How long an approval holds, in milliseconds: what a person saw is not what a sweep of the next day finds. */
export const APPROVED_FOR_MS = 60 * 60_000;

/** Whether an approval lets the next sweep act: it is about this refused sweep and its agents, and is not over. */
export function isApproved(
  source: string,
  { startedAt, digest }: RefusedSweep,
  { time, data }: Approval,
  now: number,
): boolean {
  const { kind, targetId, until, details = {} } = data;
  const isAboutIt = kind === 'sweep-approved' && targetId === source && digest !== undefined;
  if (!isAboutIt || details['startedAt'] !== startedAt || details['digest'] !== digest) return false;
  return now < (until === undefined ? Date.parse(time) + APPROVED_FOR_MS : Date.parse(until));
}
