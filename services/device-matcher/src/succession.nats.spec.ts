import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AgentObserved, STREAMS, subjectOf } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { World, type Observation, type Register } from './spec/world.js';

const MAC = '3c:22:fb:00:11:22';
const OTHER_MAC = '3c:22:fb:00:11:99';
const UUID = '4c4c4544-0044-3510-8052-b4c04f4d3132';
const SERIAL = 'ABC-1234';
const INFECTED = { 'sentinelOne:infected': true };

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startMatcher();
  await world.record('d1', SERIAL);
});

const expectRegisters = (expected: Record<string, Partial<Register>>) => world.expectRegisters(expected);

/** The laptop's first agent, registered in January, last seen in March. */
const laptop = (overrides: Partial<Observation> = {}) =>
  world.observe('laptop', SERIAL, {
    hardware: { serialNumber: SERIAL, macAddresses: [MAC], uuid: UUID },
    registeredAt: '2026-01-01T00:00:00.000000Z',
    lastSeenAt: '2026-03-01T00:00:00.000000Z',
    ...overrides,
  });

/** An agent with the laptop's serial number, registered in April. */
const later = (macAddresses: string[], overrides: Partial<Observation> = {}) =>
  world.observe('later', SERIAL, {
    hardware: { serialNumber: SERIAL, macAddresses },
    registeredAt: '2026-04-01T00:00:00.000000Z',
    lastSeenAt: '2026-04-02T00:00:00.000000Z',
    ...overrides,
  });

const matched = { state: 'matched', device: 'd1' } as const;
const quarantined: Partial<Register> = { state: 'quarantined', device: null, candidates: ['d1'] };
const unproven: Partial<Register> = { ...quarantined, problem: 'unproven-successor' };
// What retires an agent rolls up what was said before it: only what the matcher has settled by then is known to it.
const notInSweep = { presence: 'gone', goneReason: 'not-in-sweep', hardware: {}, attributes: {} } as const;

describe('a machine that was re-imaged', () => {
  it('succeeds its silent, clean agent: only the new one speaks for the device', async () => {
    await laptop();
    await expectRegisters({ laptop: matched });
    await later([MAC]);
    await expectRegisters({
      laptop: { state: 'unmatched', device: null, problem: 'superseded', previousDevice: 'd1' },
      later: matched,
    });
  });

  it('speaks together with its old agent when that comes back', async () => {
    await laptop();
    await later([MAC]);
    await expectRegisters({ laptop: { problem: 'superseded' }, later: matched });
    await laptop({ lastSeenAt: '2026-05-01T00:00:00.000000Z' });
    await expectRegisters({ laptop: matched, later: matched });
  });

  it('succeeds an agent that has left the console, whose identifiers only its register remembers', async () => {
    await laptop();
    await world.settled();
    await laptop(notInSweep);
    await expectRegisters({
      laptop: { state: 'unmatched', device: null, formerDevice: 'd1', uuid: UUID, macAddresses: [MAC], clean: true },
    });
    await later([MAC]);
    await expectRegisters({ laptop: { problem: 'superseded' }, later: matched });
    expect(world.registerOf('laptop')).not.toHaveProperty('formerDevice');
  });
});

describe('a clean machine with a copied serial number', () => {
  it('never takes the place of an infected laptop that has fallen silent', async () => {
    await laptop({ attributes: INFECTED });
    await later([OTHER_MAC]);
    await expectRegisters({ laptop: quarantined, later: quarantined });
  });

  it('never takes the place of an infected laptop that has left the console, through restarts', async () => {
    await laptop({ attributes: INFECTED });
    await world.settled();
    await laptop(notInSweep);
    await expectRegisters({ laptop: { formerDevice: 'd1', clean: false } });
    await world.stopMatcher();
    await later([MAC]);
    await world.startMatcher();
    await expectRegisters({ later: unproven });
    expect(await world.keptOf('laptop')).toBeGreaterThan(1);
  });

  it('gets the device not even while the matcher was away when the laptop left', async () => {
    await laptop({ attributes: INFECTED });
    await expectRegisters({ laptop: matched });
    await world.stopMatcher();
    await later([OTHER_MAC]);
    await laptop(notInSweep);
    await world.startMatcher();
    await expectRegisters({ later: unproven, laptop: { presence: 'gone', formerDevice: 'd1' } });
    expect(world.written.filter(({ agentId, state }) => agentId === 'later' && state === 'matched')).toEqual([]);
  });

  it('gets the device not even by another key while the inventory is in disorder', async () => {
    await world.record('d1', SERIAL, 'enrolled', {}, { certificateSan: [`urn:uuid:${UUID}`] });
    await world.settled();
    await laptop({ attributes: INFECTED, hardware: { serialNumber: SERIAL, macAddresses: [MAC] } });
    await world.settled();
    await laptop(notInSweep);
    await expectRegisters({ laptop: { formerDevice: 'd1' } });
    await world.record('d2', SERIAL);
    await world.settled();
    await world.observe('other', undefined, { hardware: { uuid: UUID } });
    await expectRegisters({ other: unproven, laptop: { formerDevice: 'd1' } });
  });

  it('succeeded, stays so however often the one before is said to be gone', async () => {
    await laptop();
    await world.settled();
    await laptop(notInSweep);
    await later([MAC]);
    await expectRegisters({ laptop: { problem: 'superseded' }, later: matched });
    await laptop({ ...notInSweep, observedAt: new Date(Date.now() + 1_000).toISOString() });
    await expectRegisters({ laptop: { problem: 'superseded' }, later: matched });
    await world.stopMatcher();
    await world.startMatcher();
    await laptop({ ...notInSweep, observedAt: new Date(Date.now() + 2_000).toISOString() });
    await expectRegisters({ laptop: { problem: 'superseded' }, later: matched });
    expect(world.registerOf('laptop')).not.toHaveProperty('formerDevice');
  });

  it('gets the device not even when the last that was heard of the laptop has expired', async () => {
    await laptop({ attributes: INFECTED });
    await world.settled();
    await laptop(notInSweep);
    await expectRegisters({ laptop: { formerDevice: 'd1' } });
    await world.stopMatcher();
    // What the retirement time does to the observation; the register stays.
    await world.manager.streams.purge(STREAMS.AGENTS.name, {
      filter: subjectOf(AgentObserved, { source: 'console', agentId: 'laptop' }),
    });
    await world.startMatcher();
    await later([OTHER_MAC]);
    await expectRegisters({ later: unproven, laptop: { formerDevice: 'd1' } });
  });

  it('gets the device not even if the laptop said that it was infected only when it went', async () => {
    await laptop();
    await expectRegisters({ laptop: { clean: true } });
    await laptop({ presence: 'gone', goneReason: 'uninstalled', attributes: INFECTED });
    await world.settled();
    await later([MAC]);
    await expectRegisters({ laptop: { clean: false, formerDevice: 'd1' }, later: unproven });
  });

  it('gets the device not even if the matcher never saw the infection before the laptop went', async () => {
    await laptop();
    await expectRegisters({ laptop: { clean: true } });
    await laptop({ ...notInSweep, clean: false });
    await later([MAC]);
    await expectRegisters({ laptop: { clean: false, formerDevice: 'd1' }, later: unproven });
  });

  it('gets the device not even if it comes at the very moment when the laptop goes', async () => {
    await world.record('d1', SERIAL);
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const serialNumber = `PAIR-${index}`;
        const hardware = (mac: string) => ({ serialNumber, macAddresses: [mac] });
        await world.record(`pair-${index}`, serialNumber);
        await world.observe(`old-${index}`, serialNumber, { hardware: hardware(MAC), attributes: INFECTED });
      }),
    );
    await world.settled();
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const serialNumber = `PAIR-${index}`;
        const gone = world.observe(`old-${index}`, serialNumber, notInSweep);
        const copy = world.observe(`copy-${index}`, serialNumber, {
          hardware: { serialNumber, macAddresses: [OTHER_MAC] },
          registeredAt: '2026-04-01T00:00:00.000000Z',
        });
        await Promise.all(index % 2 === 0 ? [gone, copy] : [copy, gone]);
      }),
    );
    await world.settled();
    await waitFor(
      () =>
        Array.from({ length: 20 }, (_, index) => world.registerOf(`old-${index}`)?.formerDevice).every(
          (device) => device !== undefined,
        ),
      { what: 'every old agent to keep its device' },
    );
    expect(world.written.filter(({ agentId, state }) => agentId.startsWith('copy-') && state === 'matched')).toEqual(
      [],
    );
  });

  it('is let in by a person', async () => {
    await laptop({ attributes: INFECTED });
    await world.settled();
    await laptop(notInSweep);
    await later([OTHER_MAC]);
    await expectRegisters({ later: unproven });
    await world.link('later', 'd1');
    await expectRegisters({
      later: { ...matched, by: 'manual', trust: 'verified' },
      laptop: { state: 'unmatched', problem: 'linked-elsewhere' },
    });
    // Nothing is left that the end of the link would bring back.
    await world.link('later', undefined);
    await expectRegisters({ later: { ...matched, by: 'serial' } });
  });
});

describe('a decommissioned agent', () => {
  const DECOMMISSIONED = { 'sentinelOne:infected': false, 'sentinelOne:isDecommissioned': true };

  it('speaks for its device, which it says is decommissioned, until another proves to be its successor', async () => {
    await laptop({ attributes: DECOMMISSIONED });
    await expectRegisters({ laptop: matched });
    await later([MAC]);
    await expectRegisters({ laptop: { problem: 'superseded' }, later: matched });
  });

  it('that was infected keeps its device from everybody', async () => {
    await laptop({ attributes: { ...DECOMMISSIONED, ...INFECTED } });
    await later([MAC]);
    await expectRegisters({ laptop: unproven, later: unproven });
  });
});

describe('a device that is retired', () => {
  it('forgets the agents that have left it', async () => {
    await laptop({ attributes: INFECTED });
    await world.settled();
    await laptop(notInSweep);
    await expectRegisters({ laptop: { formerDevice: 'd1' } });
    await world.record('d1', SERIAL, 'retired');
    await expectRegisters({ laptop: { presence: 'gone', state: 'unmatched' } });
    await waitFor(() => world.registerOf('laptop')?.formerDevice === undefined, { what: 'the device to be given up' });
    await world.record('d1', SERIAL);
    await later([OTHER_MAC]);
    await expectRegisters({ later: matched });
  });
});

describe('two agents of one machine', () => {
  it('both speak for the device, by whatever key each is matched', async () => {
    await world.record('d1', SERIAL, 'enrolled', {}, { certificateSan: [`urn:uuid:${UUID}`] });
    await laptop({ lastSeenAt: '2026-04-02T00:00:00.000000Z' });
    await world.observe('second', undefined, { hardware: { uuid: UUID } });
    await expectRegisters({
      laptop: { ...matched, by: 'serial' },
      second: { ...matched, by: 'uuid', trust: 'verified' },
    });
  });
});

describe('a serial number that hundreds of agents have', () => {
  it('quarantines all of them before long, and each further word of one costs little', async () => {
    const copies = Array.from({ length: 400 }, (_, index) => `copy-${index}`);
    const observeAll = () => Promise.all(copies.map((agentId) => world.observe(agentId, SERIAL)));
    await observeAll();
    await world.settled();
    await observeAll();
    await world.settled();
    const registers = copies.map((agentId) => world.registerOf(agentId));
    expect(registers.every((register) => register?.problem === 'duplicate-agent-serial')).toBe(true);
  });
});
