import { describe, expect, it } from '@jest/globals';
import { HeldSessions } from './held-sessions.js';
import { OpenSessions } from './open-sessions.js';

const NOW = Date.parse('2026-01-05T10:00:00Z');

function openSession(sessions: OpenSessions, deviceId: string, sessionId: string, gateway = 'edge'): void {
  const [startedAt, expiresAt] = ['2026-01-05T09:00:00.000Z', '2026-01-05T21:00:00.000Z'];
  sessions.started({ gateway, deviceId, sessionId, resource: 'wiki', startedAt, expiresAt, enforcement: 'cut' }, NOW);
}

const holdOf = (gateway: string, devices: readonly string[]) => ({
  gateway,
  since: NOW - 60_000,
  until: NOW + 60_000,
  devices: new Set(devices),
});

describe('the sessions that are held back', () => {
  it('are those of the devices that wait, at the gateway where they wait', async () => {
    const sessions = new OpenSessions();
    for (const id of ['s1', 's2']) openSession(sessions, 'd1', id);
    openSession(sessions, 'd2', 's3');
    openSession(sessions, 'd2', 's4', 'vpn');
    openSession(sessions, 'elsewhere', 's5');
    const counted = await new HeldSessions(sessions, () => NOW).countedIn([
      holdOf('edge', ['d1', 'd2']),
      holdOf('vpn', ['d2']),
    ]);
    expect(counted).toMatchObject([
      { gateway: 'edge', sessions: 3 },
      { gateway: 'vpn', sessions: 1 },
    ]);
  });

  it('are counted once for all who ask within a second', async () => {
    let now = NOW;
    const sessions = new OpenSessions();
    const held = new HeldSessions(sessions, () => now);
    const count = async () => (await held.countedIn([holdOf('edge', ['d1'])]))[0]?.sessions;
    openSession(sessions, 'd1', 's1');
    expect(await count()).toBe(1);
    openSession(sessions, 'd1', 's2');
    now += 999;
    expect(await count()).toBe(1);
    now += 1;
    expect(await count()).toBe(2);
  });

  it('are counted while messages have their turn', async () => {
    const devices = Array.from({ length: 20_000 }, (_, index) => `d${index}`);
    const sessions = new OpenSessions();
    for (const deviceId of devices) openSession(sessions, deviceId, `s-${deviceId}`);
    let turns = 0;
    let counting = true;
    const takeTurns = (): void => {
      turns += 1;
      if (counting) setImmediate(takeTurns);
    };
    setImmediate(takeTurns);
    const [hold] = await new HeldSessions(sessions, () => NOW).countedIn([holdOf('edge', devices)]);
    counting = false;
    expect([hold?.sessions, turns > 1]).toEqual([20_000, true]);
  });
});
