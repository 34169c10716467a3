import type { DataOf, SourceReported } from '@stance/contracts';
import { isApproved, type Approval, type RefusedSweep } from '../records/sweep-approvals.js';
import type { Screen } from './screen.js';
import { sourceStyle } from './status.js';
import { counted, durationText, grouped, relativeTime } from './text.js';

type Source = DataOf<typeof SourceReported>;

/** Sources as a table, and below it what is under way and what waits for a person. `now` in milliseconds since the epoch. */
export function showSources(
  screen: Screen,
  sources: readonly Source[],
  approvals: readonly Approval[],
  now: number,
): void {
  screen.table(
    [
      { title: 'SOURCE', value: ({ source }) => source, whole: true },
      { title: 'KIND', spare: true, value: ({ kind }) => kind },
      { title: 'STATE', value: ({ state }) => state, style: sourceStyle },
      { title: 'SCOPE', spare: true, value: scopeText },
      { title: 'AGENTS', value: ({ agents }) => String(agents), alignRight: true },
      { title: 'CHANGES', spare: true, value: ({ changed }) => String(changed), alignRight: true },
      { title: 'LAST SUCCESS', value: ({ lastSuccessAt }) => relativeTime(lastSuccessAt, now) },
      { title: 'NEXT', spare: true, value: (row) => relativeTime(row.pausedUntil ?? row.nextAttemptAt, now) },
      { title: 'LAST SWEEP', spare: true, value: ({ sweep }) => relativeTime(sweep?.completedAt, now) },
      { title: 'ERROR', value: ({ error }) => error?.title ?? '-' },
    ],
    sources,
    'No source has reported yet: is sentinelone-poller running?',
  );
  for (const source of sources) showDetails(screen, source, approvals, now);
}

function showDetails(
  screen: Screen,
  { source, error, progress, refusedSweep }: Source,
  approvals: readonly Approval[],
  now: number,
): void {
  if (progress !== undefined) screen.paragraph(`${source}: sweep under way, ${progressText(progress, now)}`);
  if (error?.detail !== undefined) {
    screen.paragraph(`${source}: ${error.title} (${error.code}): ${error.detail}`, { style: 'yellow' });
  }
  if (refusedSweep === undefined) return;
  screen.paragraph(`${source}: ${refusalText(refusedSweep, now)}`, { style: 'red' });
  const approval = approvals.find((each) => isApproved(source, refusedSweep, each, now));
  const next =
    approval === undefined
      ? `Were they removed on purpose: stance sources approve ${source} --reason <why>. If not, look at the scope of its token (sites, accounts) and at the console: nobody is retired until then.`
      : `${approval.data.by} approved it ${relativeTime(approval.time, now)} (${approval.data.reason}): the next sweep acts on it, if it finds the same agents absent.`;
  screen.paragraph(next, { indent: '  ' });
}

/** `12,000 of 100,000 agents read (12 %), 480/s, 3 min left, begun 25 s ago`. */
function progressText(
  { read, total, perSecond, secondsLeft, startedAt }: NonNullable<Source['progress']>,
  now: number,
): string {
  const share = total === undefined || total === 0 ? '' : ` (${Math.min(100, Math.floor((100 * read) / total))} %)`;
  return [
    `${grouped(read)}${total === undefined ? '' : ` of ${grouped(total)}`} agents read${share}`,
    `${grouped(Math.round(perSecond))}/s`,
    ...(secondsLeft === undefined ? [] : [`${durationText(Math.ceil(secondsLeft) * 1_000)} left`]),
    `begun ${relativeTime(startedAt, now)}`,
  ].join(', ');
}

/** Why a sweep is not believed. */
export function refusalText({ startedAt, absent, present, limit }: RefusedSweep, now: number): string {
  return `the sweep begun ${relativeTime(startedAt, now)} is not believed: ${grouped(absent)} of ${grouped(present)} agents were absent, and one sweep may retire ${grouped(limit)}`;
}

function scopeText({ siteIds = [], accountIds = [] }: Source): string {
  const parts = [
    ...(accountIds.length > 0 ? [counted(accountIds.length, 'account')] : []),
    ...(siteIds.length > 0 ? [counted(siteIds.length, 'site')] : []),
  ];
  return parts.join(', ') || 'all';
}
