import { describe, expect, it } from '@jest/globals';
import type { DataOf, SessionStarted } from '@stance/contracts';
import { OpenSessions } from './open-sessions.js';

const NOW = Date.parse('2026-11-21T08:00:00Z');
const MINUTE = 60_000;

function session(overrides: Partial<DataOf<typeof SessionStarted>> = {}): DataOf<typeof SessionStarted> {
  return {
    gateway: 'edge',
    deviceId: 'd1',
    sessionId: 's1',
    resource: 'wiki',
    startedAt: new Date(NOW).toISOString(),
    expiresAt: new Date(NOW + 60 * MINUTE).toISOString(),
    enforcement: 'cut',
    ...overrides,
  };
}

const idsOf = (sessions: OpenSessions, deviceId = 'd1', now = NOW) =>
  sessions.of(deviceId, now).map(({ gateway, sessionId }) => `${gateway}/${sessionId}`);

describe('the devices with open sessions at a gateway', () => {
  it('are counted, each once, until its last session ends, is revoked or is pruned', () => {
    const sessions = new OpenSessions();
    const counts: number[] = [];
    const note = () => counts.push(sessions.devicesAt('edge'));
    for (const sessionId of ['s1', 's2', 's2']) sessions.started(session({ sessionId }), NOW);
    for (const deviceId of ['d2', 'd3']) sessions.started(session({ deviceId }), NOW);
    sessions.started(session({ gateway: 'vpn' }), NOW);
    note();
    const [revoked] = sessions.of('d1', NOW);
    for (let again = 0; again < 2; again += 1) if (revoked !== undefined) sessions.wasRevoked(revoked);
    note();
    for (let again = 0; again < 2; again += 1) sessions.ended(session({ sessionId: 's1' }), NOW);
    note();
    sessions.ended(session({ sessionId: 's2' }), NOW);
    note();
    sessions.ended(session({ deviceId: 'd2' }), NOW);
    note();
    sessions.prune(NOW + 60 * MINUTE);
    note();
    expect([counts, sessions.devicesAt('vpn'), sessions.devicesAt('none')]).toEqual([[3, 3, 3, 2, 1, 0], 0, 0]);
  });
});

describe('the open sessions of a device', () => {
  it('are those that started', () => {
    const sessions = new OpenSessions();
    sessions.started(session({ user: 'kim' }), NOW);
    sessions.started(session({ sessionId: 's2' }), NOW);
    sessions.started(session({ sessionId: 's3', deviceId: 'd2' }), NOW);
    expect([idsOf(sessions), idsOf(sessions, 'd2'), idsOf(sessions, 'd3'), sessions.size]).toEqual([
      ['edge/s1', 'edge/s2'],
      ['edge/s3'],
      [],
      3,
    ]);
    expect(sessions.of('d1', NOW)[0]).toEqual({
      gateway: 'edge',
      deviceId: 'd1',
      sessionId: 's1',
      resource: 'wiki',
      user: 'kim',
      proof: undefined,
      expiresAt: NOW + 60 * MINUTE,
    });
  });

  it('count a start once, however often it is delivered', () => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    sessions.started(session(), NOW);
    expect([idsOf(sessions), sessions.size]).toEqual([['edge/s1'], 1]);
  });

  it('end by themselves at the end of their lifetime, to the millisecond', () => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    expect(idsOf(sessions, 'd1', NOW + 60 * MINUTE - 1)).toEqual(['edge/s1']);
    expect(idsOf(sessions, 'd1', NOW + 60 * MINUTE)).toEqual([]);
    sessions.started(session({ sessionId: 'late' }), NOW + 60 * MINUTE);
    expect(sessions.size).toBe(1);
  });

  it('leave out the ended one', () => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    sessions.started(session({ sessionId: 's2' }), NOW);
    sessions.ended(session(), NOW);
    expect([idsOf(sessions), sessions.size]).toEqual([['edge/s2'], 1]);
  });

  it('leave out one whose start comes after its end', () => {
    const sessions = new OpenSessions();
    sessions.ended(session(), NOW);
    sessions.started(session(), NOW + MINUTE);
    expect(idsOf(sessions)).toEqual([]);
  });

  it('leave out one that was revoked, also when its start is delivered again', () => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    for (const open of sessions.of('d1', NOW)) sessions.wasRevoked(open);
    sessions.started(session(), NOW);
    expect(idsOf(sessions)).toEqual([]);
  });
});

describe('sessions of one id', () => {
  const elsewhere = [
    ['at another gateway', { gateway: 'vpn' }],
    ['of another device', { deviceId: 'd2' }],
  ] as const;

  it.each(elsewhere)('%s are different: the end of one does not end the other', (_, where) => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    sessions.started(session(where), NOW);
    sessions.ended(session(where), NOW);
    expect([idsOf(sessions), sessions.size]).toEqual([['edge/s1'], 1]);
  });

  it.each(elsewhere)('%s are different: an end before does not keep the other from starting', (_, where) => {
    const sessions = new OpenSessions();
    sessions.ended(session(where), NOW);
    sessions.started(session(), NOW);
    expect(idsOf(sessions)).toEqual(['edge/s1']);
  });

  it('at another gateway are different: the revocation of one does not hide the other', () => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    const [revoked] = sessions.of('d1', NOW);
    sessions.started(session({ gateway: 'vpn' }), NOW);
    if (revoked !== undefined) sessions.wasRevoked(revoked);
    expect(idsOf(sessions)).toEqual(['vpn/s1']);
  });
});

describe('pruning', () => {
  it('forgets what is past, and nothing else', () => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    sessions.started(session({ sessionId: 's2', expiresAt: new Date(NOW + 90 * MINUTE).toISOString() }), NOW);
    sessions.prune(NOW + 60 * MINUTE);
    expect([sessions.size, idsOf(sessions)]).toEqual([1, ['edge/s2']]);
  });

  it('remembers an end for ten minutes', () => {
    const sessions = new OpenSessions();
    sessions.ended(session(), NOW);
    sessions.prune(NOW + 10 * MINUTE - 1);
    sessions.started(session(), NOW);
    expect(idsOf(sessions)).toEqual([]);
    sessions.prune(NOW + 10 * MINUTE);
    sessions.started(session(), NOW);
    expect(idsOf(sessions)).toEqual(['edge/s1']);
  });

  it('does not take a revoked session for an open one', () => {
    const sessions = new OpenSessions();
    sessions.started(session(), NOW);
    for (const open of sessions.of('d1', NOW)) sessions.wasRevoked(open);
    sessions.prune(NOW);
    expect(idsOf(sessions)).toEqual([]);
  });
});
