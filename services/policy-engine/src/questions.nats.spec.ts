import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Explain, GetEngineStatus, PolicyActivated } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { waitFor } from '@stance/testing';
import { policyEngineWith } from './service.js';
import { HEALTHY_READS_WIKI } from './spec/policies.js';
import { World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(() => world.reset());

const explain = (resource = 'wiki') => ask(world.connection, Explain, { deviceId: 'd1', resource });

describe('an explanation', () => {
  it('is of the time by which the engine decides, and tells what proof each gateway demands', async () => {
    const inAnHour = Date.now() + 3_600_000;
    await world.startEngine({ definition: policyEngineWith({ now: () => inAnHour }) });
    await world.settlePolicy(1, HEALTHY_READS_WIKI.replace('[wiki]\nrules', '[wiki]\n    identity: token\nrules'));
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    expect(await explain()).toMatchObject({
      evaluatedAt: new Date(inAnHour).toISOString(),
      decisions: [{ gateway: 'edge', identity: 'token', decision: { effect: 'allow' } }],
    });
  });

  it.each(['constructor', 'toString', '__proto__'])('of %s, which is no resource, says just that', async (name) => {
    await world.startEngine();
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    expect(await explain(name)).toMatchObject({ effect: 'deny', reasons: [{ code: 'no-rule' }], decisions: [] });
  });
});

it('where the active revision does not load, all who ask are told which, and why', async () => {
  await world.startEngine();
  await world.settlePolicy(1, HEALTHY_READS_WIKI);
  await world.change('d1', false);
  await world.decided('d1', 'allow');
  expect(await ask(world.connection, GetEngineStatus, {})).not.toHaveProperty('policyErrors');
  await world.settled();
  await world.stopEngine();
  await world.publishPolicy(2, HEALTHY_READS_WIKI.replace('[healthy]', '[helthy]'));
  await world.replica.publish(PolicyActivated, { revision: 2, outcome: 'active', errors: [] }, world.options());
  await world.startEngine();
  await expect(explain()).rejects.toMatchObject({
    code: 'not-ready',
    message: expect.stringMatching(/^revision 2 no longer loads: there is no posture helthy/),
  });
  expect(await ask(world.connection, GetEngineStatus, {})).toMatchObject({
    policyRevision: 2,
    policyLoads: false,
    policyErrors: [{ message: expect.stringContaining('helthy'), line: 12 }],
  });
  // Whoever follows the advice gets out of it.
  await world.settlePolicy(3, HEALTHY_READS_WIKI);
  await waitFor(async () => (await explain()).policyRevision === 3, {
    what: 'the corrected policy to be explained by',
  });
});
