import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Explain, PolicyActivated } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { waitFor } from '@stance/testing';
import { policyEngineWith } from './service.js';
import { HEALTHY_READS_WIKI, TWO_GATEWAYS } from './spec/policies.js';
import { World } from './spec/world.js';

const NOBODY_READS = HEALTHY_READS_WIKI.replace('infected == false', 'infected == true');
const BROKEN = HEALTHY_READS_WIKI.replace('require: [healthy]', 'require: [helthy]');

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startEngine();
});

describe('a published policy', () => {
  it('comes into force, and the whole fleet is decided about again', async () => {
    await world.settlePolicy(1, NOBODY_READS);
    const devices = Array.from({ length: 100 }, (_, index) => `d${index}`);
    await Promise.all(devices.map((device) => world.change(device, false)));
    await Promise.all(devices.map((device) => world.decided(device, 'deny')));
    await expect(world.settlePolicy(2, HEALTHY_READS_WIKI)).resolves.toEqual({
      revision: 2,
      outcome: 'active',
      errors: [],
    });
    const decisions = await Promise.all(devices.map((device) => world.decided(device, 'allow')));
    expect(new Set(decisions.map(({ policyRevision }) => policyRevision))).toEqual(new Set([2]));
  });

  it('revokes what it no longer allows', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settlePolicy(2, NOBODY_READS);
    await world.revoked('s1');
    expect(world.revocations[0]?.data).toMatchObject({ policyRevision: 2, reasons: [{ code: 'condition-false' }] });
  });

  it('revokes the sessions of a resource that is no longer served', async () => {
    await world.settlePolicy(1, TWO_GATEWAYS);
    await world.change('d1', false);
    await world.decided('d1', 'allow', 'payroll');
    await world.openSession('s1', { resource: 'payroll' });
    await world.openSession('s2', { resource: 'wiki' });
    await world.settled();
    await world.settlePolicy(2, TWO_GATEWAYS.replace('[wiki, payroll]', '[wiki]'));
    await world.revoked('s1');
    await world.settled();
    expect(world.revocations.map(({ data }) => data)).toMatchObject([
      { sessionId: 's1', reasons: [{ code: 'no-rule', message: expect.stringContaining('payroll') }] },
    ]);
  });

  it('that names a gateway no longer turns its decisions into denials and revokes its sessions', async () => {
    await world.settlePolicy(1, TWO_GATEWAYS);
    await world.change('d1', false);
    await world.decided('d1', 'allow', 'ssh', 'vpn');
    await world.openSession('s1', { gateway: 'vpn', resource: 'ssh' });
    await world.openSession('s2');
    await world.settled();
    await world.settlePolicy(2, HEALTHY_READS_WIKI);
    const decision = await world.decided('d1', 'deny', 'ssh', 'vpn');
    expect(decision).toMatchObject({ policyRevision: 2, reviewAt: null, resources: { ssh: { enforced: true } } });
    await world.revoked('s1');
    await world.settled();
    expect(world.revocations).toHaveLength(1);
    expect(world.decisionOf('d1')?.resources['wiki']?.effect).toBe('allow');
  });
});

describe('a policy that is not sound', () => {
  beforeEach(async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settled();
  });

  /** Nothing has changed, and the first policy decides on. */
  async function expectFirstInForce(): Promise<void> {
    await world.settled();
    expect([world.decisions.length, world.revocations.length]).toEqual([1, 0]);
    await world.change('d2', false);
    await expect(world.decided('d2', 'allow')).resolves.toMatchObject({ policyRevision: 1 });
  }

  it.each([
    [
      'is refused with its errors and their lines',
      BROKEN,
      {},
      { message: expect.stringContaining('helthy'), line: 12 },
    ],
    [
      'as it was altered on its way is refused',
      NOBODY_READS,
      { sha256: 'a'.repeat(64) },
      { message: expect.stringContaining('sha256') },
    ],
    [
      'by its own tests is refused',
      `${NOBODY_READS}\ntests:\n  - name: the healthy read\n    device: { attributes: { 'sentinelOne:infected': false } }\n    expect: { wiki: allow }\n`,
      {},
      { message: expect.stringContaining('the healthy read') },
    ],
  ])('%s, and the one before stays in force', async (_, document, overrides, error) => {
    await expect(world.settlePolicy(2, document, overrides)).resolves.toMatchObject({
      revision: 2,
      outcome: 'refused',
      errors: [error],
    });
    await expectFirstInForce();
    await world.stopEngine();
    await world.startEngine();
    expect(world.activations).toHaveLength(2);
    await world.settlePolicy(3, NOBODY_READS);
    await world.decided('d1', 'deny');
  });

  it('stays refused across a restart', async () => {
    await world.settlePolicy(2, BROKEN);
    await world.stopEngine();
    const engine = await world.startEngine();
    expect(engine.health()).toMatchObject({ ready: true, details: { policyRevision: 1 } });
    await expectFirstInForce();
  });

  it('by its revision, which another document has, is dead-lettered, and never takes its place', async () => {
    await world.publishPolicy(1, NOBODY_READS);
    await waitFor(() => world.dead.length === 1, { what: 'a dead letter' });
    expect(world.dead[0]?.data.reason).toMatchObject({
      code: 'unprocessable',
      message: expect.stringContaining('revision 1'),
    });
    await world.stopEngine();
    await world.startEngine();
    await expectFirstInForce();
  });

  it('by its revision, which was refused, does not come into force', async () => {
    await world.settlePolicy(2, BROKEN);
    await world.publishPolicy(2, NOBODY_READS);
    await waitFor(() => world.dead.length === 1, { what: 'a dead letter' });
    await expectFirstInForce();
  });

  it('by its revision, which is below the active one, changes nothing', async () => {
    await world.settlePolicy(5, HEALTHY_READS_WIKI.replace('everyone healthy', 'all healthy'));
    await world.publishPolicy(3, NOBODY_READS);
    await world.settled();
    expect(world.decisionOf('d1')?.resources['wiki']?.effect).toBe('allow');
    expect(world.activations.map(({ data }) => data.revision)).toEqual([1, 5]);
  });
});

it('a policy in force stays so over a restart, although a test of it speaks of an exception that has ended', async () => {
  const until = Date.now() + 60 * 60_000;
  const document = `${HEALTHY_READS_WIKI}
exceptions:
  - device: d1
    rule: everyone healthy reads the wiki
    waive: [healthy]
    until: ${new Date(until).toISOString()}
    reason: replacement ordered
    approvedBy: security@example.com
tests:
  - name: the laptop reads the wiki for now
    device: { id: d1, attributes: { 'sentinelOne:infected': true } }
    expect: { wiki: allow }
`;
  expect(await world.settlePolicy(1, document)).toMatchObject({ outcome: 'active' });
  await world.stopEngine();
  const engine = await world.startEngine({ definition: policyEngineWith({ now: () => until + 1 }) });
  await world.change('d2', false);
  await world.decided('d2', 'allow');
  expect(engine.health()).toMatchObject({ ready: true, details: { policyRevision: 1 } });
});

describe('an active revision that no longer loads', () => {
  beforeEach(async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settled();
    await world.stopEngine();
    await world.publishPolicy(2, BROKEN);
    const activated = { revision: 2, outcome: 'active', errors: [] } as const;
    await world.replica.publish(PolicyActivated, { ...activated, errors: [] }, world.options());
  });

  it('denies everything, is not ready, and is never silently replaced by an older one', async () => {
    const reports: string[] = [];
    world.connection.subscribe('stance.engine.reported.v1.>', {
      callback: (_, { subject }) => void reports.push(subject),
    });
    const engine = await world.startEngine();
    expect(engine.health()).toMatchObject({
      ready: false,
      details: { policyRevision: 2, policyErrors: [{ message: expect.stringContaining('helthy') }] },
    });
    const decision = await world.decided('d1', 'deny');
    expect(decision).toMatchObject({ policyRevision: 2, resources: { wiki: { reasons: [{ code: 'no-policy' }] } } });
    await world.revoked('s1');
    await expect(ask(world.connection, Explain, { deviceId: 'd1', resource: 'wiki' })).rejects.toMatchObject({
      code: 'not-ready',
    });
    await world.change('d1', false);
    await world.settled();
    expect(world.decisionOf('d1')?.resources['wiki']?.effect).toBe('deny');
    expect(reports).toEqual([]);
  });

  it('gives way to a newer one that does', async () => {
    const engine = await world.startEngine();
    await world.decided('d1', 'deny');
    await world.settlePolicy(3, HEALTHY_READS_WIKI);
    await world.decided('d1', 'allow');
    expect(engine.health()).toMatchObject({ ready: true, details: { policyRevision: 3 } });
  });
});

describe('without any policy', () => {
  it('nothing is decided, and the first one decides about every device', async () => {
    await world.change('d1', false);
    await world.settled();
    expect(world.decisions).toEqual([]);
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.decided('d1', 'allow');
  });
});
