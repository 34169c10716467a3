import { expect, jest, test } from '@jest/globals';
import { createEvent, SessionEnded, SessionStarted } from '@stance/contracts';
import { TIME } from './fixtures/played-engine.js';
import { OpenSessions, type OpenSessionsOptions } from './open-sessions.js';

const WIKI = { deviceId: 'laptop-1', resource: 'wiki', enforcement: 'cut' } as const;
const SOMEBODY_ELSES = {
  ...WIKI,
  gateway: 'edge',
  sessionId: 'of-another-replica',
  startedAt: TIME,
  expiresAt: '2026-03-01T21:00:00.000Z',
};
const REVOCATION = { reasons: [], revisions: { posture: 2, policy: 1 }, cause: {} };

/** Sessions whose announcements are all stored at once, and kept here as the stream would echo them. */
function openSessions() {
  const announced: { readonly id: string; readonly name: string }[] = [];
  const onRevoked = jest.fn<OpenSessionsOptions['onRevoked']>();
  const sessions = new OpenSessions(
    {
      announce: ({ id, contract }) => {
        announced.push({ id, name: contract.name });
        return Promise.resolve(true);
      },
    },
    {
      gateway: 'edge',
      now: () => Date.parse(TIME),
      maxSessions: 10,
      oneEach: false,
      maxIdleMs: Infinity,
      onRevoked,
      onExpired: () => undefined,
      onEndedElsewhere: () => undefined,
      onEnforced: () => undefined,
      onTrouble: () => undefined,
    },
  );
  sessions.loaded();
  return { sessions, announced, onRevoked };
}

const eventOf = (id: string, data: typeof SOMEBODY_ELSES) =>
  createEvent(SessionStarted, { id, producer: 'gateway', time: new Date(TIME), data, cause: {} });

test('the late echo of a session of our own brings nothing back', async () => {
  const { sessions, announced } = openSessions();
  const { sessionId } = sessions.start(WIKI);
  sessions.end(sessionId, 'closed');
  await sessions.settled();
  const id = announced[0]?.id ?? '';
  expect(sessions.started(eventOf(id, { ...SOMEBODY_ELSES, sessionId }))).toBeUndefined();
  expect(sessions.registry.size).toBe(0);
});

test('a session of another replica comes in once', () => {
  const { sessions } = openSessions();
  expect(sessions.started(eventOf('gateway:other:1', SOMEBODY_ELSES))).toMatchObject({
    sessionId: 'of-another-replica',
  });
  expect(sessions.started(eventOf('gateway:other:1', SOMEBODY_ELSES))).toBeUndefined();
  expect(sessions.registry.size).toBe(1);
});

test('reading the stream anew calls nobody for a session that is over', () => {
  const { sessions, onRevoked } = openSessions();
  sessions.loading();
  sessions.started(eventOf('gateway:other:1', SOMEBODY_ELSES));
  const data = { ...SOMEBODY_ELSES, cause: 'revoked', endedAt: TIME } as const;
  sessions.ended(createEvent(SessionEnded, { id: 'e', producer: 'gateway', time: new Date(TIME), data, cause: {} }));
  expect(sessions.loaded()).toEqual([]);
  expect(onRevoked).not.toHaveBeenCalled();
});

test('a session is revoked once, and told to have ended after it was told to have started', async () => {
  const { sessions, announced, onRevoked } = openSessions();
  const { sessionId } = sessions.start(WIKI);
  expect([sessions.revoke(sessionId, REVOCATION), sessions.revoke(sessionId, REVOCATION)]).toEqual([true, false]);
  await sessions.settled();
  expect(onRevoked).toHaveBeenCalledTimes(1);
  expect(announced.map(({ name }) => name)).toEqual(['session.started', 'session.ended']);
});
