import { describe, expect, test } from '@jest/globals';
import { SessionRegistry } from './session-registry.js';
import type { Session } from './session.js';

const sessionOf = (overrides: Partial<Session> = {}): Session => ({
  sessionId: 's1',
  deviceId: 'laptop-1',
  resource: 'wiki',
  user: 'anna@example.org',
  enforcement: 'cut',
  startedAt: 0,
  expiresAt: 10_000,
  ...overrides,
});

describe('the session registry', () => {
  test('finds a session by device, user, resource, and by who uses what', () => {
    const registry = new SessionRegistry();
    const session = sessionOf();
    registry.add(session);
    expect(registry.ofDevice('laptop-1')).toEqual([session]);
    expect(registry.ofUser('anna@example.org')).toEqual([session]);
    expect(registry.ofResource('wiki')).toEqual([session]);
    expect(registry.find(session, 0)).toBe(session);
    expect(registry.find({ ...session, user: undefined }, 0)).toBeUndefined();
    expect(registry.find(session, 10_000)).toBeUndefined();
  });

  test('gives a session out once, and is empty after', () => {
    const registry = new SessionRegistry();
    registry.add(sessionOf());
    expect(registry.add(sessionOf())).toBe(false);
    expect(registry.remove('s1')).toMatchObject({ sessionId: 's1' });
    expect(registry.remove('s1')).toBeUndefined();
    expect([registry.size, registry.ofDevice('laptop-1'), registry.ofUser('anna@example.org')]).toEqual([0, [], []]);
  });

  test.each([
    ['every second', [1_000, 5_000, 9_999, 10_000]],
    ['after a long gap', [1_000, 5_000_000]],
    ['for the first time', [10_000]],
  ])('tells what is due when it is looked at %s', (_case, times) => {
    const registry = new SessionRegistry();
    registry.add(sessionOf());
    registry.add(sessionOf({ sessionId: 's2', expiresAt: 9_000_000 }));
    const due = times.flatMap((now) => registry.due(now).map(({ sessionId }) => ({ sessionId, now })));
    expect(due).toEqual([{ sessionId: 's1', now: times.at(-1) }]);
    expect(registry.due(9_000_000)).toMatchObject([{ sessionId: 's2' }]);
  });

  test('keeps a session that is used, by whom it was found, for as long as it may be idle', () => {
    const registry = new SessionRegistry(2_000);
    const session = sessionOf();
    registry.add(session);
    expect(registry.use(session, 1_500)).toBe(session);
    expect(registry.use({ ...session, proof: 'token' }, 1_500)).toBeUndefined();
    expect(registry.find(session, 3_000)).toBe(session);
    expect([registry.due(3_499), registry.due(4_000)]).toEqual([[], [session]]);
  });

  test('tells each session that was used once, and again when it is used again', () => {
    const registry = new SessionRegistry();
    const [one, other] = [sessionOf(), sessionOf({ sessionId: 's2', resource: 'git' })];
    registry.add(one);
    registry.add(other);
    for (const session of [one, other, one]) registry.use(session, 1_000);
    expect(registry.takeUsed()).toEqual(['s1', 's2']);
    registry.touch('s2', 2_000);
    registry.find(other, 2_000);
    registry.use(one, 2_000);
    expect(registry.takeUsed()).toEqual(['s1']);
    expect(registry.takeUsed()).toEqual([]);
  });

  test('tells a session that came in after its end', () => {
    const registry = new SessionRegistry();
    registry.due(60_000);
    registry.add(sessionOf());
    expect(registry.due(61_000)).toMatchObject([{ sessionId: 's1' }]);
  });
});
