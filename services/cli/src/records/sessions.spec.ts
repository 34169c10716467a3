import { describe, expect, test } from '@jest/globals';
import { SessionEnded, SessionRevoked, SessionStarted } from '@stance/contracts';
import { ended, eventOf, OBSERVED_AT, revoked, started } from '../fixtures/facts.js';
import { sessionRecords, type SessionEvents } from './sessions.js';

const NOW = Date.parse('2026-01-05T10:00:01.000Z');
const start = eventOf(SessionStarted, started());
const startExpired = eventOf(SessionStarted, started({ expiresAt: '2026-01-05T10:00:01.000Z' }));
const end = eventOf(SessionEnded, ended());
const cut = eventOf(SessionEnded, ended({ cause: 'revoked', enforcedAt: '2026-01-05T10:00:00.041Z' }), {
  observedat: OBSERVED_AT,
});
const revocation = eventOf(SessionRevoked, revoked(), { observedat: OBSERVED_AT });

const of = (events: Partial<SessionEvents>) => sessionRecords({ started: [], ended: [], revoked: [], ...events }, NOW);

describe('the state of a session', () => {
  test.each<[string, Partial<SessionEvents>, string]>([
    ['started: open', { started: [start] }, 'open'],
    ['past its lifetime: ended, though nobody said so', { started: [startExpired] }, 'ended'],
    ['closed: ended', { started: [start], ended: [end] }, 'ended'],
    ['revoked and not cut yet: revoked', { started: [start], revoked: [revocation] }, 'revoked'],
    ['revoked and cut: revoked', { started: [start], revoked: [revocation], ended: [cut] }, 'revoked'],
    [
      'revoked, but closed by its user first: revoked',
      { started: [start], revoked: [revocation], ended: [end] },
      'revoked',
    ],
    ['cut, its revocation not seen: revoked', { started: [start], ended: [cut] }, 'revoked'],
    ['ended, its start forgotten: ended', { ended: [end] }, 'ended'],
    ['revoked, its start forgotten: revoked', { revoked: [revocation] }, 'revoked'],
  ])('%s', (_case, events, state) => {
    expect(of(events)).toMatchObject([
      { sessionId: 's-1', deviceId: 'laptop-1', gateway: 'office', resource: 'wiki', state },
    ]);
  });
});

describe('sessionRecords', () => {
  test('joins what all events say, with the reaction time from observation to cut', () => {
    expect(of({ started: [start], revoked: [revocation], ended: [cut] })).toEqual([
      {
        sessionId: 's-1',
        deviceId: 'laptop-1',
        resource: 'wiki',
        gateway: 'office',
        user: 'one@example.com',
        state: 'revoked',
        startedAt: '2026-01-05T09:00:00.000Z',
        expiresAt: '2099-01-01T00:00:00.000Z',
        enforcement: 'cut',
        endedAt: '2026-01-05T10:00:00.041Z',
        cause: 'revoked',
        revokedAt: '2026-01-05T10:00:00.030Z',
        enforcedAt: '2026-01-05T10:00:00.041Z',
        reasons: [expect.objectContaining({ code: 'condition-false' })],
        reactionMs: 41,
      },
    ]);
  });

  test('the same session id at two gateways is two sessions', () => {
    const elsewhere = eventOf(SessionStarted, started({ gateway: 'vpn' }));
    expect(of({ started: [start, elsewhere], ended: [end] }).map(({ gateway, state }) => [gateway, state])).toEqual([
      ['vpn', 'open'],
      ['office', 'ended'],
    ]);
  });

  test('open sessions come first, then the newest', () => {
    const at = (sessionId: string, startedAt: string) => eventOf(SessionStarted, started({ sessionId, startedAt }));
    const sessions = [
      at('old', '2026-01-05T07:00:00.000Z'),
      at('over', '2026-01-05T09:30:00.000Z'),
      at('new', '2026-01-05T09:00:00.000Z'),
    ];
    const over = eventOf(SessionEnded, ended({ sessionId: 'over' }));
    expect(of({ started: sessions, ended: [over] }).map(({ sessionId }) => sessionId)).toEqual(['new', 'old', 'over']);
  });
});
