import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { AgentMatched, DeadLettered, decodeEvent, ListUnmatched, STREAMS, subjectOf } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { waitFor, PATIENCE_MS } from '@stance/testing';
import { World, type Register } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startMatcher();
});

const expectMatches = (expected: Record<string, Partial<Register>>) => world.expectRegisters(expected);

const matched = (device: string) => ({ state: 'matched', device, by: 'serial', trust: 'reported' }) as const;
const twoDevices = (...candidates: string[]): Partial<Register> => ({
  state: 'quarantined',
  device: null,
  candidates,
  problem: 'duplicate-device-serial',
});
const twoAgents = (device: string): Partial<Register> => ({
  state: 'quarantined',
  device: null,
  candidates: [device],
  problem: 'duplicate-agent-serial',
});
const alone = (problem: NonNullable<Register['problem']>, device: string): Partial<Register> => ({
  state: 'quarantined',
  device: null,
  candidates: [device],
  problem,
});
const MAC = '3c:22:fb:00:11:22';
const unmatched = (problem: NonNullable<Register['problem']>): Partial<Register> => ({
  state: 'unmatched',
  device: null,
  problem,
});

describe('an agent and its device', () => {
  it('belong together after the next start, if the observation is not delivered any more', async () => {
    await world.record('d1', 'abc-1234');
    await world.settled();
    await world.stopMatcher();
    await world.observe('a1', 'ABC-1234');
    await world.settleUnhandled();
    await world.startMatcher();
    await expectMatches({ a1: matched('d1') });
  });

  it('belong together by normalised serial number, the device first', async () => {
    await world.record('d1', 'abc-1234');
    await world.settled();
    await world.observe('a1', ' ABC-1234\0', { user: 'kim', lastSeenAt: '2026-11-21T08:00:00.123456Z' });
    await expectMatches({
      a1: {
        ...matched('d1'),
        previousDevice: null,
        presence: 'present',
        serialNumber: ' ABC-1234\0',
        hostname: 'host-a1',
        user: 'kim',
        attributes: { 'sentinelOne:infected': false },
        lastSeenAt: '2026-11-21T08:00:00.123456Z',
      },
    });
    expect(world.written).toHaveLength(1);
  });

  it('belong together, the agent first', async () => {
    await world.observe('a1', 'ABC-1234');
    await expectMatches({ a1: unmatched('no-device') });
    await world.record('d1', 'abc-1234');
    await expectMatches({ a1: { ...matched('d1'), attributes: { 'sentinelOne:infected': false } } });
    expect(world.registerOf('a1')).not.toHaveProperty('problem');
  });

  it('carry the cause of the observation on', async () => {
    await world.record('d1', 'ABC-1234');
    // Two streams: the one that comes last is the cause of the match.
    await world.settled();
    await world.observe('a1', 'ABC-1234');
    await world.settled();
    const subject = subjectOf(AgentMatched, { source: 'console', agentId: 'a1' });
    const message = await world.manager.streams.getMessage(STREAMS.MATCHES.name, { last_by_subj: subject });
    const event = decodeEvent(AgentMatched, message?.data ?? new Uint8Array(), subject);
    expect(event).toMatchObject({ source: '/stance/device-matcher', txn: expect.stringMatching(/^txn-/) });
  });

  it.each([
    ['has no serial number', undefined, 'no-serial'],
    ['has a placeholder, which the device has as well', 'To be filled by O.E.M.', 'placeholder-serial'],
    ['is of no device', 'ABC-9999', 'no-device'],
  ] as const)('do not, while the agent %s', async (_, serial, problem) => {
    await world.record('d1', serial === 'ABC-9999' ? 'ABC-1111' : serial);
    await world.observe('a1', serial);
    await expectMatches({ a1: unmatched(problem) });
  });

  it('part when the device is retired, and meet again when it is enrolled anew', async () => {
    await world.record('d1', 'ABC-1234');
    await world.observe('a1', 'ABC-1234');
    await expectMatches({ a1: matched('d1') });
    await world.record('d1', 'ABC-1234', 'retired');
    await expectMatches({ a1: { ...unmatched('no-device'), previousDevice: 'd1' } });
    expect(world.registerOf('a1')).not.toHaveProperty('by');
    await world.record('d1', 'ABC-1234');
    await expectMatches({ a1: { ...matched('d1'), previousDevice: null } });
  });

  it('part when the inventory corrects the serial number', async () => {
    await world.record('d1', 'WRONG-1');
    await world.observe('a1', 'WRONG-1');
    await world.observe('a2', 'RIGHT-1');
    await expectMatches({ a1: matched('d1'), a2: unmatched('no-device') });
    await world.record('d1', 'RIGHT-1');
    await expectMatches({ a1: { ...unmatched('no-device'), previousDevice: 'd1' }, a2: matched('d1') });
  });
});

describe('two devices with one serial number', () => {
  it('quarantine the agent, and one retired resolves it', async () => {
    await world.record('d1', 'ABC-1234');
    await world.observe('a1', 'ABC-1234');
    await expectMatches({ a1: matched('d1') });
    await world.record('d2', 'abc-1234');
    await expectMatches({ a1: { ...twoDevices('d1', 'd2'), previousDevice: 'd1' } });
    await world.record('d1', 'ABC-1234', 'retired');
    await expectMatches({ a1: matched('d2') });
  });
});

describe('two agents with one serial number', () => {
  beforeEach(async () => {
    await world.record('d1', 'ABC-1234');
    await world.observe('a1', 'ABC-1234');
    await expectMatches({ a1: matched('d1') });
  });

  it('are both quarantined, until the later one is gone', async () => {
    await world.observe('a2', 'abc-1234', { registeredAt: '2026-11-20T08:00:00.000000Z' });
    await world.observe('a1', 'ABC-1234', { registeredAt: '2026-11-01T08:00:00.000000Z' });
    await expectMatches({ a1: twoAgents('d1'), a2: twoAgents('d1') });
    await world.observe('a2', 'ABC-1234', { presence: 'gone', goneReason: 'uninstalled' });
    await expectMatches({ a2: { ...unmatched('superseded'), presence: 'gone' }, a1: matched('d1') });
    expect(await world.keptOf('a2')).toBe(1);
  });

  it('are not two while one of them is gone, but the other has to prove that it is its successor', async () => {
    await world.observe('a2', 'ABC-1234', { presence: 'gone' });
    await expectMatches({ a1: alone('unproven-successor', 'd1'), a2: { state: 'unmatched', formerDevice: 'd1' } });
  });

  it('are two even if they are of different sources', async () => {
    await world.observe('a2', 'ABC-1234', { source: 'another-console' });
    await expectMatches({ a1: twoAgents('d1'), a2: twoAgents('d1') });
  });

  it('are two again at once when a third comes while the second goes', async () => {
    const serials = Array.from({ length: 30 }, (_, index) => `MANY-${index}`);
    await Promise.all(
      serials.flatMap((serial) => [
        world.record(`d-${serial}`, serial),
        world.observe(`first-${serial}`, serial),
        world.observe(`second-${serial}`, serial),
      ]),
    );
    await world.settled();
    // One right after the other, so that the third comes while the first is being registered.
    await Promise.all(
      serials.map(async (serial) => {
        await world.observe(`second-${serial}`, serial, { presence: 'gone' });
        await world.observe(`third-${serial}`, serial);
      }),
    );
    await expectMatches(Object.fromEntries(serials.map((serial) => [`first-${serial}`, twoAgents(`d-${serial}`)])));
  });

  it('are told apart when one gets another: it moves, the other is matched again', async () => {
    await world.record('d2', 'ABC-2222');
    await world.observe('a2', 'ABC-1234');
    await expectMatches({ a1: twoAgents('d1'), a2: twoAgents('d1') });
    await world.observe('a2', 'ABC-2222');
    await expectMatches({ a1: matched('d1'), a2: matched('d2') });
  });
});

describe('an agent whose serial number changes', () => {
  it('moves to the other device, and the register says where it was', async () => {
    await world.record('d1', 'ABC-1111');
    await world.record('d2', 'ABC-2222');
    await world.observe('a1', 'ABC-1111');
    await expectMatches({ a1: matched('d1') });
    await world.observe('a1', 'ABC-2222');
    await expectMatches({ a1: { ...matched('d2'), previousDevice: 'd1', serialNumber: 'ABC-2222' } });
    await world.observe('a1', 'ABC-2222');
    await expectMatches({ a1: { ...matched('d2'), previousDevice: null } });
  });
});

describe('an agent whose record loses its serial number', () => {
  const without = (agentId: string) => world.observe(agentId, undefined, { hardware: { macAddresses: [MAC] } });

  it('leaves its device at once, and is back with the first record that has it again', async () => {
    await world.record('d1', 'ABC-1111');
    await world.observe('a1', 'ABC-1111');
    await expectMatches({ a1: matched('d1') });
    await without('a1');
    await expectMatches({ a1: { ...unmatched('no-serial'), previousDevice: 'd1' } });
    await world.observe('a1', 'ABC-1111');
    await expectMatches({ a1: matched('d1') });
  });

  it('stays on its device where a person has linked it', async () => {
    await world.record('d1', 'ABC-1111');
    await world.observe('a1', 'ABC-1111');
    await world.link('a1', 'd1');
    await without('a1');
    await expectMatches({ a1: { ...matched('d1'), by: 'manual', trust: 'verified' } });
    await world.observe('copy', 'ABC-1111');
    await expectMatches({ a1: { device: 'd1' }, copy: unmatched('linked-elsewhere') });
  });
});

describe('what is written', () => {
  beforeEach(async () => {
    await world.record('d1', 'ABC-1234');
    await world.settled();
    await world.observe('a1', 'ABC-1234', { observedAt: '2026-11-21T08:00:00.000Z' });
    await expectMatches({ a1: matched('d1') });
  });

  it('is the register again for every fresher observation', async () => {
    await world.observe('a1', 'ABC-1234', { observedAt: '2026-11-21T09:00:00.000Z' });
    await expectMatches({ a1: { observedAt: '2026-11-21T09:00:00.000Z' } });
    expect(world.written).toHaveLength(2);
  });

  it('is the newer observation even if the poller’s clock was set back', async () => {
    await world.observe('a1', 'ABC-1234', {
      observedAt: '2026-11-21T07:00:00.000Z',
      attributes: { 'sentinelOne:infected': true },
    });
    await expectMatches({ a1: { attributes: { 'sentinelOne:infected': true } } });
  });

  it('is each of two observations of one instant', async () => {
    const observedAt = '2026-11-21T08:00:00.000Z';
    await world.observe('a1', 'ABC-1234', { observedAt, attributes: { 'sentinelOne:infected': true } });
    await expectMatches({ a1: { attributes: { 'sentinelOne:infected': true } } });
  });

  it('is nothing when everything is delivered again', async () => {
    await world.observe('a1', 'ABC-1234', { observedAt: '2026-11-21T09:00:00.000Z', attributes: { x: 1 } });
    await world.observe('a2', 'ABC-9999');
    await world.settled();
    expect(world.written).toHaveLength(3);
    await world.stopMatcher();
    for (const [stream, durable] of [
      [STREAMS.AGENTS.name, 'device-matcher_agent-observed'],
      [STREAMS.DEVICES.name, 'device-matcher_device-recorded'],
    ] as const)
      await world.manager.consumers.delete(stream, durable);
    await world.startMatcher();
    await world.settled();
    expect(world.written).toHaveLength(3);
    expect(world.registerOf('a1')).toMatchObject({ attributes: { x: 1 } });
  });

  it('is nothing after a restart', async () => {
    await world.record('d2', 'ABC-2222');
    await world.settled();
    await world.stopMatcher();
    await world.startMatcher();
    await world.settled();
    expect(world.written).toHaveLength(1);
    await world.observe('a2', 'ABC-1234');
    await expectMatches({ a1: twoAgents('d1'), a2: twoAgents('d1') });
  });

  it('is caught up with after an outage', async () => {
    await world.stopMatcher();
    await world.record('d1', 'ABC-5678');
    await world.observe('a2', 'ABC-5678');
    await world.startMatcher();
    await expectMatches({ a1: { ...unmatched('no-device'), previousDevice: 'd1' }, a2: matched('d1') });
  });

  it('follows the last word when a device goes and comes at once', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        world.record('d1', 'ABC-1234', index % 2 === 0 ? 'retired' : 'enrolled'),
      ),
    );
    await expectMatches({ a1: matched('d1') });
    await Promise.all(
      Array.from({ length: 21 }, (_, index) =>
        world.record('d1', 'ABC-1234', index % 2 === 0 ? 'retired' : 'enrolled'),
      ),
    );
    await expectMatches({ a1: unmatched('no-device') });
  });

  it('is derived again after a crash in the middle: the device is known already, its agents not looked at', async () => {
    // What a kill leaves: the device's message is stored and not settled; the next start loads it and gets it again.
    await world.stopMatcher();
    await world.record('d1', 'ABC-7777');
    await world.record('d1', 'ABC-8888');
    await world.startMatcher();
    await expectMatches({ a1: { ...unmatched('no-device'), previousDevice: 'd1' } });
  });

  it('goes on from a register that somebody else wrote meanwhile', async () => {
    const subject = subjectOf(AgentMatched, { source: 'console', agentId: 'a1' });
    const last = await world.manager.streams.getMessage(STREAMS.MATCHES.name, { last_by_subj: subject });
    const event = decodeEvent(AgentMatched, last?.data ?? new Uint8Array(), subject);
    const mark = headers();
    mark.set('Spec', 'an outlived replica');
    const foreign = { ...event, data: { ...event.data, attributes: { foreign: true } } };
    await world.connection.request(subject, JSON.stringify(foreign), { headers: mark, timeout: PATIENCE_MS });
    await world.record('d1', 'ABC-1234', 'retired');
    await expectMatches({ a1: { ...unmatched('no-device'), attributes: { foreign: true } } });
  });
});

describe('bad input', () => {
  const deaths = async () => {
    const { state } = await world.manager.streams.info(STREAMS.DEAD.name);
    const messages = await Promise.all(
      Array.from({ length: state.messages }, (_, index) =>
        world.manager.streams.getMessage(STREAMS.DEAD.name, { seq: index + 1 }),
      ),
    );
    return messages
      .filter((message) => message !== null)
      .map(({ data, subject }) => decodeEvent(DeadLettered, data, subject).data);
  };

  it.each([
    ['an observation that is no JSON', 'stance.agent.observed.v1.console.a1', '{'],
    ['a device that is no event', 'stance.device.recorded.v1.d1', '{"deviceId":"d1"}'],
  ])('%s is dead-lettered and stops nothing', async (_, subject, payload) => {
    await world.connection.request(subject, payload, { timeout: PATIENCE_MS });
    await waitFor(async () => (await deaths()).length === 1, { what: 'a dead letter' });
    expect(await deaths()).toMatchObject([{ originalSubject: subject, payload, reason: { code: 'malformed' } }]);
    await world.record('d1', 'ABC-1234');
    await world.observe('a1', 'ABC-1234');
    await expectMatches({ a1: matched('d1') });
  });

  it('on one agent’s subjects holds up no other agent of the device', async () => {
    await world.record('d1', 'ABC-1234');
    await world.observe('a1', 'ABC-1234');
    await world.observe('a2', 'ABC-1234');
    await expectMatches({ a1: twoAgents('d1'), a2: twoAgents('d1') });
    await world.connection.request('stance.agent.observed.v1.console.a1', '{', { timeout: PATIENCE_MS });
    const mark = headers();
    mark.set('Spec', 'garbage');
    await world.connection.request('stance.agent.matched.v1.console.a1', '{', { headers: mark, timeout: PATIENCE_MS });
    await world.record('d1', 'ABC-1234', 'retired');
    await expectMatches({ a2: unmatched('no-device') });
    expect(await deaths()).toHaveLength(1);
  });
});

describe('the list of what is not matched', () => {
  it('has agents with their problem, devices without agent, a page at a time', async () => {
    await world.record('d1', 'ABC-1111');
    await world.record('lonely', 'ABC-7777');
    await world.record('retired', 'ABC-6666', 'retired');
    await world.record('twin1', 'ABC-5555');
    await world.record('twin2', 'ABC-5555');
    await world.observe('a1', 'ABC-1111');
    await world.observe('b1', 'None');
    await world.observe('b2');
    await world.observe('b3', 'ABC-9999');
    await world.observe('b4', 'ABC-5555');
    await world.observe('b5', 'ABC-8888', { presence: 'gone' });
    await world.settled();

    const first = await ask(world.connection, ListUnmatched, { limit: 3 });
    expect(first.total).toBe(4);
    expect(first.agents.map(({ agentId, problem }) => [agentId, problem])).toEqual([
      ['b1', 'placeholder-serial'],
      ['b2', 'no-serial'],
      ['b3', 'no-device'],
    ]);
    expect(first.agents[0]).not.toHaveProperty('attributes');
    const second = await ask(world.connection, ListUnmatched, { limit: 3, after: first.next ?? '' });
    expect(second.agents.map(({ agentId, candidates }) => [agentId, candidates])).toEqual([['b4', ['twin1', 'twin2']]]);
    expect([first.devices, second.total, second.next]).toEqual([[], 4, null]);
    expect(second.devices).toEqual([{ deviceId: 'lonely', serialNumber: 'ABC-7777', sharesKeyWith: [] }]);
  });

  it('says what agrees all the same, and which devices keep each other from being matched', async () => {
    await world.record('d1', 'ABC-1111', 'enrolled', { hostname: 'host-b1.example.org', macAddresses: [MAC] });
    await world.record('d2', 'ABC-2222', 'enrolled', { hostname: 'host-b1' });
    await world.record('twin1', 'ABC-5555');
    await world.record('twin2', 'ABC-5555');
    await world.record('blank', 'Default string');
    await world.observe('b1', undefined, { hardware: { hostname: 'HOST-B1', macAddresses: [MAC] } });
    await world.settled();
    const { agents, devices } = await ask(world.connection, ListUnmatched, {});
    expect(agents).toMatchObject([
      {
        agentId: 'b1',
        problem: 'no-serial',
        similar: [
          { deviceId: 'd1', agreesOn: ['hostname', 'macAddress'] },
          { deviceId: 'd2', agreesOn: ['hostname'] },
        ],
      },
    ]);
    expect(devices).toEqual(
      expect.arrayContaining([
        { deviceId: 'blank', serialNumber: 'Default string', problem: 'placeholder-serial', sharesKeyWith: [] },
        { deviceId: 'twin1', serialNumber: 'ABC-5555', problem: 'several-devices', sharesKeyWith: ['twin2'] },
      ]),
    );
  });

  it('is empty while there is nothing', async () => {
    await expect(ask(world.connection, ListUnmatched, {})).resolves.toEqual({
      agents: [],
      devices: [],
      total: 0,
      next: null,
    });
  });

  it('refuses a request that makes no sense', async () => {
    await expect(ask(world.connection, ListUnmatched, { limit: 0 })).rejects.toMatchObject({ code: 'invalid-request' });
  });
});
