import type { SessionRecord } from '../records/sessions.js';
import type { Style } from './paint.js';
import type { Column } from './table.js';
import { durationText, relativeTime } from './text.js';

const STYLES = { open: 'green', revoked: 'red', ended: 'dim' } as const satisfies Record<SessionRecord['state'], Style>;

/** How sessions stand in a table; `now` in milliseconds since the epoch. */
export function sessionColumns(now: number): Column<SessionRecord>[] {
  return [
    { title: 'SESSION', value: ({ sessionId }) => sessionId, whole: true },
    { title: 'DEVICE', value: ({ deviceId }) => deviceId, whole: true },
    { title: 'RESOURCE', value: ({ resource }) => resource },
    { title: 'GATEWAY', value: ({ gateway }) => gateway },
    { title: 'USER', value: ({ user }) => user ?? '-' },
    { title: 'STATE', value: ({ state }) => state, style: ({ state }) => STYLES[state] },
    { title: 'STARTED', value: ({ startedAt }) => relativeTime(startedAt, now) },
    { title: 'OVER', value: (session) => overText(session, now) },
  ];
}

function overText(
  { state, endedAt, revokedAt, expiresAt, reactionMs, enforcement }: SessionRecord,
  now: number,
): string {
  if (state === 'open') return `expires ${relativeTime(expiresAt, now)}`;
  if (state === 'ended') return relativeTime(endedAt ?? expiresAt, now);
  if (endedAt === undefined) return `revoked ${relativeTime(revokedAt, now)}, not cut yet`;
  const done = enforcement === 'next-request' ? 'from the next request on' : 'cut';
  return `${relativeTime(endedAt, now)}, ${done}${reactionMs === undefined ? '' : ` after ${durationText(reactionMs)}`}`;
}
