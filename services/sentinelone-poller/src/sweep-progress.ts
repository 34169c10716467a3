import { formatDuration } from '@stance/service-kit';
import type { SourceReport } from './source-health.js';

export type Progress = NonNullable<SourceReport['progress']>;

/** How far a sweep is: `read` of `total` agents in `elapsedMs`. A console that gives no total, or 0, leaves the end open. */
export function progressOf(startedAt: string, read: number, total: number | undefined, elapsedMs: number): Progress {
  const perSecond = elapsedMs > 0 ? Math.round((read * 1_000) / elapsedMs) : 0;
  if (total === undefined || total < read) return { startedAt, read, perSecond };
  if (perSecond === 0) return { startedAt, read, total, perSecond };
  return { startedAt, read, total, perSecond, secondsLeft: Math.ceil((total - read) / perSecond) };
}

/** As a person reads it: `agents read: 12000 of 100000, 2250 a second, 40s left`. */
export function describeProgress({ read, total, perSecond, secondsLeft }: Progress): string {
  const of = total === undefined ? '' : ` of ${total}`;
  const left = secondsLeft === undefined ? '' : `, ${formatDuration(secondsLeft * 1_000)} left`;
  return `agents read: ${read}${of}, ${perSecond} a second${left}`;
}
