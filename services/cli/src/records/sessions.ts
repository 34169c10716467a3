import {
  SessionStarted,
  subjectOf,
  type EventOf,
  type Reason,
  type SessionEnded,
  type SessionRevoked,
} from '@stance/contracts';
import { reactionMs } from './reaction.js';

/** A session as all its events together tell it, under their field names. */
export interface SessionRecord {
  readonly sessionId: string;
  readonly deviceId: string;
  readonly resource: string;
  readonly gateway: string;
  readonly user?: string | undefined;
  readonly state: 'open' | 'ended' | 'revoked';
  readonly startedAt?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly enforcement?: string | undefined;
  readonly context?: Record<string, string> | undefined;
  readonly endedAt?: string | undefined;
  readonly cause?: string | undefined;
  readonly revokedAt?: string | undefined;
  readonly enforcedAt?: string | undefined;
  readonly reasons?: readonly Reason[] | undefined;
  /** Of a revoked session that is enforced: milliseconds from the observation to the gateway's part in it; see `enforcement`. */
  readonly reactionMs?: number | undefined;
}

export interface SessionEvents {
  readonly started: readonly EventOf<typeof SessionStarted>[];
  readonly ended: readonly EventOf<typeof SessionEnded>[];
  readonly revoked: readonly EventOf<typeof SessionRevoked>[];
}

interface Story {
  started?: EventOf<typeof SessionStarted>;
  ended?: EventOf<typeof SessionEnded>;
  revoked?: EventOf<typeof SessionRevoked>;
}

/** One record per session, open ones first, then the newest first. `now` in milliseconds since the epoch. */
export function sessionRecords(events: SessionEvents, now: number): SessionRecord[] {
  const stories = new Map<string, Story>();
  const storyOf = (data: { gateway: string; deviceId: string; sessionId: string }): Story => {
    const key = subjectOf(SessionStarted, data);
    const story = stories.get(key) ?? {};
    stories.set(key, story);
    return story;
  };
  for (const event of events.started) storyOf(event.data).started = event;
  for (const event of events.ended) storyOf(event.data).ended = event;
  for (const event of events.revoked) storyOf(event.data).revoked = event;
  return [...stories.values()].flatMap((story) => recordOf(story, now)).toSorted(byStateAndAge);
}

/** A session is revoked when a revocation of it exists, whatever its gateway has done so far. */
function stateOf({ started, ended, revoked }: Story, now: number): SessionRecord['state'] {
  if (revoked !== undefined || ended?.data.cause === 'revoked') return 'revoked';
  if (ended !== undefined) return 'ended';
  return started !== undefined && Date.parse(started.data.expiresAt) > now ? 'open' : 'ended';
}

function recordOf(story: Story, now: number): SessionRecord[] {
  const { started, ended, revoked } = story;
  // The start is forgotten an hour after the session's lifetime; the end and the revocation outlive it.
  const known = started?.data ?? revoked?.data ?? ended?.data;
  if (known === undefined) return [];
  const { sessionId, deviceId, resource, gateway } = known;
  return [
    {
      sessionId,
      deviceId,
      resource,
      gateway,
      user: started?.data.user ?? revoked?.data.user,
      state: stateOf(story, now),
      startedAt: started?.data.startedAt,
      expiresAt: started?.data.expiresAt,
      enforcement: ended?.data.enforcement ?? started?.data.enforcement,
      context: started?.data.context,
      endedAt: ended?.data.endedAt,
      cause: ended?.data.cause,
      revokedAt: revoked?.data.revokedAt,
      enforcedAt: ended?.data.enforcedAt,
      reasons: revoked?.data.reasons,
      reactionMs: reactionMs(revoked?.observedat ?? ended?.observedat, ended?.data.enforcedAt) ?? undefined,
    },
  ];
}

const ORDER = { open: 0, revoked: 1, ended: 2 } as const;

function byStateAndAge(a: SessionRecord, b: SessionRecord): number {
  return ORDER[a.state] - ORDER[b.state] || timeOf(b) - timeOf(a) || a.sessionId.localeCompare(b.sessionId);
}

function timeOf({ startedAt, revokedAt, endedAt }: SessionRecord): number {
  return Date.parse(startedAt ?? revokedAt ?? endedAt ?? '') || 0;
}
