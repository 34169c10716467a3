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
  const onEnforced = jest.fn<OpenSessionsOptions['onEnforced']>();
  const onTrouble = jest.fn<OpenSessionsOptions['onTrouble']>();
  const clock = { now: Date.parse(TIME) };
  const sessions = new OpenSessions(
    {
      announce: ({ id, contract }) => {
        announced.push({ id, name: contract.name });
        return Promise.resolve(true);
      },
    },
    {
      gateway: 'edge',
      now: () => clock.now,
      maxSessions: 10,
      oneEach: false,
      maxIdleMs: Infinity,
      hasOthers: () => false,
      onRevoked,
      onExpired: () => undefined,
      onEndedElsewhere: () => undefined,
      onEnforced,
      onTrouble,
    },
  );
  sessions.loaded();
  return { sessions, announced, onRevoked, onEnforced, onTrouble, clock };
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

test('of those revoked at once all have ended before anything is told, each with the time at which it had', async () => {
  const { sessions, announced, onRevoked, onEnforced, clock } = openSessions();
  const began = clock.now;
  const all = ['a', 'b', 'c'].map((resource) => sessions.start({ ...WIKI, resource }).sessionId);
  onRevoked.mockImplementation(() => {
    expect(onEnforced).not.toHaveBeenCalled();
    expect(announced.some(({ name }) => name === 'session.ended')).toBe(false);
    clock.now += 1;
  });
  for (const sessionId of all) sessions.revoke(sessionId, REVOCATION);
  expect(onRevoked).toHaveBeenCalledTimes(3);
  clock.now += 1_000;
  await sessions.settled();
  expect(onEnforced.mock.calls.map(([{ enforcedAt }]) => enforcedAt - began)).toEqual([1, 2, 3]);
  expect(announced.filter(({ name }) => name === 'session.ended')).toHaveLength(3);
});

test('a session that takes a while to end is told of when it has', async () => {
  const { sessions, onRevoked, onEnforced, clock } = openSessions();
  const { sessionId } = sessions.start(WIKI);
  const cut = Promise.withResolvers<'cut'>();
  onRevoked.mockReturnValue(cut.promise);
  sessions.revoke(sessionId, REVOCATION);
  clock.now += 50;
  cut.resolve('cut');
  await sessions.settled();
  expect(onEnforced.mock.calls).toMatchObject([[{ enforcement: 'cut', enforcedAt: clock.now }]]);
});

test.each<[string, OpenSessionsOptions['onRevoked']]>([
  [
    'throws',
    () => {
      throw new RangeError('no');
    },
  ],
  ['rejects', () => Promise.reject(new RangeError('no'))],
])('a session whose ending %s is told to have ended, and that it was not enforced', async (_, fails) => {
  const { sessions, announced, onRevoked, onEnforced, onTrouble } = openSessions();
  const { sessionId } = sessions.start(WIKI);
  onRevoked.mockImplementation(fails);
  sessions.revoke(sessionId, REVOCATION);
  await sessions.settled();
  expect(onTrouble).toHaveBeenCalledTimes(1);
  expect(onEnforced).not.toHaveBeenCalled();
  expect(announced.map(({ name }) => name)).toEqual(['session.started', 'session.ended']);
});
