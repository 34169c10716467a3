import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { STREAMS } from '@stance/contracts';
import { DeviceEvaluation } from '@stance/policy';
import { waitFor } from '@stance/testing';
import { HEALTHY_READS_WIKI } from './spec/policies.js';
import { World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startEngine();
  await world.settlePolicy(1, HEALTHY_READS_WIKI);
  await world.change('d1', false);
  await world.decided('d1', 'allow');
  await world.openSession('s1');
  await world.settled();
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a policy that cannot be evaluated', () => {
  it('denies everything it serves, revokes, and leaves nothing to be tried again', async () => {
    const evaluate = jest.spyOn(DeviceEvaluation.prototype, 'gateway').mockImplementation(() => {
      throw new RangeError('out of range');
    });
    await world.settlePolicy(2, `${HEALTHY_READS_WIKI}# again\n`);
    const { resources, policyRevision } = await world.decided('d1', 'deny');
    await world.revoked('s1');
    await world.settled();
    expect(resources['wiki']).toMatchObject({ enforced: true, reasons: [{ code: 'evaluation-error' }] });
    expect(policyRevision).toBe(2);
    expect(world.revocations[0]?.data.reasons).toMatchObject([{ code: 'evaluation-error' }]);
    expect(world.dead).toEqual([]);
    evaluate.mockRestore();
    await world.settlePolicy(3, HEALTHY_READS_WIKI);
    await world.decided('d1', 'allow');
  });
});

describe('a decision that is too large to be stored', () => {
  const names = Array.from({ length: 999 }, (_, index) => `resource-${index}`.padEnd(100, '-'));
  const policyOf = (postures: Record<string, readonly string[]>, require: readonly string[], message = 'Ask IT.') => `
version: 1
postures:
${Object.entries(postures)
  .map(([name, conditions]) => `  ${name}:\n${conditions.map((condition) => `    - ${condition}\n`).join('')}`)
  .join('')}
gateways:
  edge:
    resources: [wiki, ${names.join(', ')}]
rules:
  - name: everyone healthy reaches everything
    resources: ['*']
    require: [${require.join(', ')}]
    message: ${message}
`;
  const failing = Array.from({ length: 20 }, (_, index) => `sentinelOne:activeThreats < ${index + 1}`);

  async function expectSettled(): Promise<void> {
    await world.settled();
    const written = world.decisions.length;
    await world.openSession('s2');
    await world.revoked('s2');
    await world.settled();
    expect([world.decisions.length, world.dead]).toEqual([written, []]);
  }

  it.each([
    ['first reasons', 'Ask IT.', 1],
    ['effects', 'x'.repeat(900), 0],
  ])('is stored with its %s, and what it denies is revoked', async (_, message, reasons) => {
    const document = policyOf({ healthy: failing }, ['healthy'], message);
    expect(await world.settlePolicy(2, document)).toMatchObject({ outcome: 'active' });
    const { resources, policyRevision } = await world.decided('d1', 'deny');
    await world.revoked('s1');
    expect(policyRevision).toBe(2);
    expect(Object.keys(resources)).toHaveLength(1_000);
    expect(resources['wiki']?.reasons).toHaveLength(reasons);
    await expectSettled();
  });

  it('in whatever form denies everything, and says so to the session', async () => {
    await world.settlePolicy(2, policyOf({ healthy: ['sentinelOne:infected == false'] }, ['healthy']));
    await world.decided('d1', 'allow', names[0]);
    // For each of them, the decision would remember all that the device could reach.
    const later = Array.from({ length: 10 }, (_, index) => `later${index}`);
    const postures = Object.fromEntries(later.map((name) => [name, failing]));
    const graces = later.map((posture) => `{ posture: ${posture}, grace: 72h }`);
    expect(await world.settlePolicy(3, policyOf(postures, graces))).toMatchObject({ outcome: 'active' });
    await world.revoked('s1');
    expect(world.revocations[0]?.data.reasons).toMatchObject([
      { code: 'evaluation-error', message: expect.stringContaining('too large') },
    ]);
    await world.settled();
    const last = world.decisionOf('d1');
    expect([last?.policyRevision, last?.resources]).toEqual([3, {}]);
    expect(world.dead).toEqual([]);
  });
});

it('a decision that cannot be stored at all still revokes, and is stored when it can be', async () => {
  const { name } = STREAMS.DECISIONS;
  await world.manager.streams.update(name, { max_msg_size: 10 });
  await world.change('d1', true);
  await world.revoked('s1');
  expect(world.decisionOf('d1')?.resources['wiki']?.effect).toBe('allow');
  await world.manager.streams.update(name, { max_msg_size: -1 });
  await world.decided('d1', 'deny');
});

it('a gateway that the policy no longer names forgets its graces only when the others know them', async () => {
  const withGrace = HEALTHY_READS_WIKI.replace('[healthy]', '[{ posture: healthy, grace: 72h }]');
  const others = Array.from({ length: 100 }, (_, index) => `r${index}`);
  await world.settlePolicy(2, withGrace);
  await world.settled();
  await world.change('d1', true);
  await waitFor(() => world.decisionOf('d1')?.resources['wiki']?.effect === 'warn', { what: 'the grace to begin' });
  const { graceSince } = world.decisionOf('d1')?.resources['wiki'] ?? {};
  const { name } = STREAMS.DECISIONS;
  await world.manager.streams.update(name, { max_msg_size: 4_000 });
  await world.settlePolicy(3, withGrace.replace('edge:', 'vpn:').replace('[wiki]', `[wiki, ${others.join(', ')}]`));
  await world.revoked('s1');
  expect(world.decisionOf('d1', 'vpn')).toBeUndefined();
  expect(world.decisionOf('d1', 'edge')?.graces).toHaveLength(1);
  await world.manager.streams.update(name, { max_msg_size: -1 });
  await world.decided('d1', 'deny', 'wiki', 'edge');
  await world.settled();
  expect(world.decisionOf('d1', 'edge')?.graces).toBeUndefined();
  expect(world.decisionOf('d1', 'vpn')?.resources['wiki']).toMatchObject({ effect: 'warn', graceSince });
});
