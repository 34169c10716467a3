import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Explain, GetEngineStatus, OperatorActed, STREAMS, durableOf, type DataOf } from '@stance/contracts';
import { ask, EventPublisher } from '@stance/jetstream';
import { waitFor } from '@stance/testing';
import type { Decision } from '../decision.js';
import { World } from '../spec/world.js';

/** Encrypted machines reach everything; the gateway `edge` holds revocations back, `vpn` does not. */
const policyWith = (hold: string, condition = 'sentinelOne:encryptedApplications == true') => `
version: 1
postures:
  encrypted:
    - ${condition}
gateways:
  edge:
    resources: [wiki]
    ${hold}
  vpn:
    resources: [ssh]
rules:
  - name: encrypted machines reach everything
    resources: ['*']
    require: [encrypted]
`;
const HOLD = 'hold: { for: 15m, above: 20% }';
const FLEET = Array.from({ length: 10 }, (_, index) => `d${index}`);
/** Like those of the fleet, with no session at the gateway. */
const ELSEWHERE = 'elsewhere';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startEngine();
});

async function become(deviceId: string, encrypted: boolean, { infected = false } = {}): Promise<void> {
  await world.change(deviceId, infected, {
    attributes: {
      'sentinelOne:infected': { value: infected, agent: 0 },
      'sentinelOne:encryptedApplications': { value: encrypted, agent: 0 },
    },
  });
}

/** Each device of the fleet has a session at the gateway that holds, the first one also at the other. */
async function openFleet(hold = HOLD): Promise<void> {
  await world.settlePolicy(1, policyWith(hold));
  await Promise.all([...FLEET, ELSEWHERE].map((deviceId) => become(deviceId, true)));
  await Promise.all([...FLEET, ELSEWHERE].map((deviceId) => world.decided(deviceId, 'allow')));
  await Promise.all(FLEET.map((deviceId) => world.openSession(`s-${deviceId}`, { deviceId })));
  await world.openSession('ssh', { deviceId: 'd0', gateway: 'vpn', resource: 'ssh' });
  await world.openSession('ssh', { deviceId: ELSEWHERE, gateway: 'vpn', resource: 'ssh' });
  await world.settled();
}

async function allTurnBad(): Promise<void> {
  await Promise.all([...FLEET, ELSEWHERE].map((deviceId) => become(deviceId, false)));
  await Promise.all([...FLEET, ELSEWHERE].map((deviceId) => world.decided(deviceId, 'deny')));
  await world.settled();
}

const wikiOf = (deviceId: string) => world.decisionOf(deviceId)?.resources['wiki'];
const heldDevices = () => FLEET.filter((deviceId) => wikiOf(deviceId)?.heldUntil !== undefined);
const revokedAtEdge = () =>
  world.revocations.flatMap(({ data }) => (data.gateway === 'edge' ? [data.deviceId] : [])).toSorted();
const status = () => ask(world.connection, GetEngineStatus, {});

async function release(details?: Record<string, string>): Promise<void> {
  const data: DataOf<typeof OperatorActed> = {
    kind: 'hold-released',
    targetId: 'edge',
    by: 'kim',
    reason: 'it is no mistake',
    ...(details !== undefined && { details }),
  };
  await new EventPublisher(world.connection, 'cli').publish(OperatorActed, data, world.options());
}

/** Waits until the engine has settled all that operators did. */
async function actsHandled(): Promise<void> {
  const stream = STREAMS.OPERATIONS.name;
  const durable = durableOf('policy-engine', OperatorActed);
  await waitFor(
    async () => {
      const { state } = await world.manager.streams.info(stream);
      return (await world.manager.consumers.info(stream, durable)).ack_floor.stream_seq === state.last_seq;
    },
    { what: 'the acts of operators to be handled' },
  );
}

/** Waits until everything is carried out at `edge`, with no trace of a hold left. */
async function expectCarriedOut(): Promise<void> {
  await waitFor(() => revokedAtEdge().length === FLEET.length && heldDevices().length === 0, {
    what: 'all revocations to be carried out',
  });
  await world.settled();
  expect(revokedAtEdge()).toEqual(FLEET);
  for (const deviceId of FLEET) expect(wikiOf(deviceId)).toMatchObject({ effect: 'deny', enforced: true });
}

describe('when all devices of a gateway turn bad at once', () => {
  beforeEach(async () => {
    await openFleet();
    await allTurnBad();
  });

  it('a share is revoked, and the others are denied, not enforced, until the same time', async () => {
    const held = heldDevices();
    expect(held).toHaveLength(8);
    expect(revokedAtEdge()).toEqual(FLEET.filter((deviceId) => !held.includes(deviceId)));
    const untils = new Set(held.map((deviceId) => wikiOf(deviceId)?.heldUntil));
    expect(untils.size).toBe(1);
    const [until = ''] = untils;
    expect(Math.abs(Date.parse(until) - Date.now() - 15 * 60_000)).toBeLessThan(30_000);
    for (const deviceId of held) {
      expect(world.decisionOf(deviceId)).toMatchObject({
        reviewAt: until,
        resources: { wiki: { effect: 'deny', enforced: false, reasons: [{ code: 'condition-false' }] } },
      });
      expect(world.timers.findLast(({ data }) => data.deviceId === deviceId)?.data.dueAt).toBe(until);
    }
  });

  it('neither another gateway nor a device without a session there is spared', async () => {
    await world.revoked('ssh');
    expect(world.revocations.filter(({ data }) => data.gateway === 'vpn')).toHaveLength(2);
    expect(wikiOf(ELSEWHERE)).toMatchObject({ effect: 'deny', enforced: true });
    expect(world.decisionOf('d0', 'vpn')?.resources['ssh']?.enforced).toBe(true);
  });

  it('the engine says how many wait, since when and until when', async () => {
    const [first = ''] = heldDevices();
    expect(await status()).toMatchObject({
      policyRevision: 1,
      policyLoads: true,
      review: null,
      holds: [{ gateway: 'edge', until: wikiOf(first)?.heldUntil, devices: 8, sessions: 8 }],
    });
    expect(world.engines[0]?.health()).toMatchObject({
      ready: true,
      details: { holds: [{ gateway: 'edge', devices: 8 }] },
    });
    const explained = await ask(world.connection, Explain, { deviceId: first, resource: 'wiki' });
    expect(explained.decisions).toMatchObject([{ gateway: 'edge', decision: { enforced: false } }]);
  });

  it.each([
    ['this hold', () => ({ heldUntil: wikiOf(heldDevices()[0] ?? '')?.heldUntil ?? '' })],
    ['whatever it holds', () => undefined],
  ])('a person who releases %s has all revoked, and nothing is held again for it', async (_, details) => {
    await release(details());
    await expectCarriedOut();
    expect((await status()).holds).toEqual([]);
    expect(world.revocations.find(({ data }) => data.gateway === 'edge')?.data.reasons).toMatchObject([
      { code: 'condition-false' },
    ]);
    const written = world.decisions.length;
    await world.stopEngine();
    await world.startEngine();
    await world.settled();
    expect(world.decisions).toHaveLength(written);
  });

  it('a release of another hold, or of another gateway, carries nothing out', async () => {
    await release({ heldUntil: new Date(Date.now() - 60_000).toISOString() });
    const data = { kind: 'hold-released', targetId: 'vpn', by: 'kim', reason: 'x' } as const;
    await new EventPublisher(world.connection, 'cli').publish(OperatorActed, data, world.options());
    await actsHandled();
    for (const deviceId of FLEET) await become(deviceId, false);
    await world.settled();
    expect(heldDevices()).toHaveLength(8);
  });

  it('a held device that is infected is revoked at once, and so is one of which that is not known', async () => {
    const [infected = '', unknown = ''] = heldDevices();
    await become(infected, false, { infected: true });
    await world.change(unknown, false, { agents: [], attributes: {}, problems: ['no-agent'] });
    await world.revoked(`s-${infected}`, `s-${unknown}`);
    await world.settled();
    expect(heldDevices()).toHaveLength(6);
    await become(infected, false);
    await world.settled();
    expect(wikiOf(infected)).toMatchObject({ effect: 'deny', enforced: true });
  });

  it.each([
    ['retired', { device: { state: 'retired' as const, groups: [], tags: [] } }],
    ['quarantined', { problems: ['quarantined' as const] }],
  ])('a held device that is %s is revoked at once', async (_, overrides) => {
    const [deviceId = ''] = heldDevices();
    await world.change(deviceId, false, overrides);
    await world.revoked(`s-${deviceId}`);
    expect(wikiOf(deviceId)).toMatchObject({ effect: 'deny', enforced: true });
  });

  it('a device that is good again is allowed, and its session stays', async () => {
    const [deviceId = ''] = heldDevices();
    await become(deviceId, true);
    const { resources } = await world.decided(deviceId, 'allow');
    expect(resources['wiki']).toEqual({ effect: 'allow', enforced: true, reasons: [] });
    await release();
    await waitFor(() => heldDevices().length === 0 && revokedAtEdge().length === FLEET.length - 1, {
      what: 'the others to be carried out',
    });
    await world.settled();
    expect(revokedAtEdge()).toEqual(FLEET.filter((each) => each !== deviceId));
  });

  it('a session that starts at a held device stays open until the end; at one that was refused it is revoked', async () => {
    const [held = ''] = heldDevices();
    await world.openSession('another', { deviceId: held });
    await world.openSession('late', { deviceId: ELSEWHERE });
    await world.revoked('late');
    await world.settled();
    expect(world.revocations.map(({ data }) => data.sessionId)).not.toContain('another');
    await release();
    await world.revoked('another', `s-${held}`);
  });

  it('is evaluated again and again without being written again', async () => {
    const before = world.decisions.length;
    const held = heldDevices();
    await Promise.all(held.map((deviceId) => world.openSession(`again-${deviceId}`, { deviceId })));
    await world.settled();
    expect(world.decisions).toHaveLength(before);
  });

  it('a restart goes on with the hold, and what turns bad then joins it', async () => {
    const [joins = '', ...others] = heldDevices();
    await become(joins, true);
    await world.decided(joins, 'allow');
    await world.settled();
    const before = world.decisions.length;
    await world.stopEngine();
    await world.startEngine();
    await world.settled();
    expect(world.decisions).toHaveLength(before);
    expect((await status()).holds).toMatchObject([{ gateway: 'edge', devices: 7, sessions: 7 }]);
    await become(joins, false);
    await world.decided(joins, 'deny');
    expect(wikiOf(joins)?.heldUntil).toBe(wikiOf(others[0] ?? '')?.heldUntil);
  });

  it('a release that is given while no engine runs is carried out by the next one', async () => {
    await world.stopEngine();
    await release();
    await world.startEngine();
    await expectCarriedOut();
  });

  it('a policy without the hold carries it out', async () => {
    await world.settlePolicy(2, policyWith(''));
    await expectCarriedOut();
  });
});

describe('a hold', () => {
  it('ends by itself, and all is revoked then', async () => {
    await openFleet('hold: { for: 6s, above: 20% }');
    await Promise.all(FLEET.map((deviceId) => become(deviceId, false)));
    const held = await waitFor(
      () => {
        const decisions = world.decisions.filter(({ data }) => data.resources['wiki']?.heldUntil !== undefined);
        return decisions.length === 8 ? decisions : undefined;
      },
      { what: 'eight devices to be held' },
    );
    const until = Date.parse(held[0]?.data.reviewAt ?? '');
    await expectCarriedOut();
    const carried = (deviceId: string): Decision | undefined => world.decisionOf(deviceId);
    for (const { data } of held) {
      expect(Date.parse(carried(data.deviceId)?.decidedAt ?? '')).toBeGreaterThanOrEqual(until);
    }
    expect((await status()).holds).toEqual([]);
  });

  it('is begun by a policy too, with the same count however many devices are decided about at once', async () => {
    await openFleet();
    await world.settlePolicy(2, policyWith(HOLD, 'sentinelOne:encryptedApplications == false'));
    await Promise.all(FLEET.map((deviceId) => world.decided(deviceId, 'deny')));
    await world.settled();
    expect([heldDevices().length, revokedAtEdge().length]).toEqual([8, 2]);
    await world.settlePolicy(3, policyWith(HOLD));
    await Promise.all(FLEET.map((deviceId) => world.decided(deviceId, 'allow')));
    await world.settled();
    expect(revokedAtEdge()).toHaveLength(2);
  });

  it('that is released while denials are still being written leaves none of them waiting', async () => {
    await openFleet();
    const turned = FLEET.slice(0, 6);
    const turning = turned.map((deviceId) => become(deviceId, false));
    const heldUntil = await waitFor(
      () => world.decisions.find(({ data }) => data.resources['wiki']?.heldUntil)?.data.resources['wiki']?.heldUntil,
      { what: 'the first denial to be held', intervalMs: 1 },
    );
    await release({ heldUntil });
    await Promise.all(turning);
    await waitFor(() => revokedAtEdge().length === turned.length && heldDevices().length === 0, {
      what: 'what was held, and what was being written, to be carried out',
    });
    expect(revokedAtEdge()).toEqual(turned);
  });

  it('spares all sessions of a device that is held, and none of one that is not, also those that start just then', async () => {
    await openFleet();
    await Promise.all(
      FLEET.flatMap((deviceId) => [
        world.openSession(`before-${deviceId}`, { deviceId }),
        become(deviceId, false),
        world.openSession(`after-${deviceId}`, { deviceId }),
      ]),
    );
    await Promise.all(FLEET.map((deviceId) => world.decided(deviceId, 'deny')));
    await world.settled();
    const held = heldDevices();
    expect(held.length).toBeGreaterThan(0);
    const notHeld = FLEET.filter((deviceId) => !held.includes(deviceId));
    const sessionsOf = (deviceId: string) => ['s', 'before', 'after'].map((prefix) => `${prefix}-${deviceId}`);
    const revoked = () => world.revocations.flatMap(({ data }) => (data.gateway === 'edge' ? [data.sessionId] : []));
    expect(revoked().toSorted()).toEqual(notHeld.flatMap(sessionsOf).toSorted());
    await release();
    await world.revoked(...held.flatMap(sessionsOf));
  });

  it('is not bought by one device with many sessions: it counts once', async () => {
    await openFleet();
    const greedy = FLEET.slice(0, 2);
    const many = greedy.flatMap((deviceId) =>
      Array.from({ length: 20 }, (_, index) => ({ deviceId, sessionId: `more-${deviceId}-${index}` })),
    );
    await Promise.all(many.map(({ deviceId, sessionId }) => world.openSession(sessionId, { deviceId })));
    await world.settled();
    await Promise.all(greedy.map((deviceId) => become(deviceId, false)));
    await world.revoked(...many.map(({ sessionId }) => sessionId));
    await world.settled();
    expect(heldDevices()).toEqual([]);
  });

  it('never begins for infected devices, however many', async () => {
    await openFleet();
    await Promise.all(FLEET.map((deviceId) => become(deviceId, false, { infected: true })));
    await waitFor(() => revokedAtEdge().length === FLEET.length, { what: 'every infected device to be revoked' });
    expect(heldDevices()).toEqual([]);
  });

  it('leaves a gateway without one as it is', async () => {
    await openFleet('');
    await allTurnBad();
    await expectCarriedOut();
  });
});
