import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PlanPolicy, SourceReported, type PolicyPlan } from '@stance/contracts';
import { ask, EventPublisher } from '@stance/jetstream';
import { waitFor, PATIENCE_MS } from '@stance/testing';
import { HEALTHY_READS_WIKI, TWO_GATEWAYS } from '../spec/policies.js';
import { policyEngineWith } from '../service.js';
import { Slices } from '../slices.js';
import { World } from '../spec/world.js';
import { FleetPlan } from './fleet-plan.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startEngine();
});

const plan = (document: string): Promise<PolicyPlan> =>
  ask(world.connection, PlanPolicy, { document }, { timeoutMs: 60_000 });

const infectedCause = {
  code: 'condition-false',
  rule: 'everyone healthy reads the wiki',
  posture: 'healthy',
  condition: 'sentinelOne:infected == false',
};
const NOBODY_READS = HEALTHY_READS_WIKI.replace('infected == false', 'infected == true');
const ONLY_REPORTS = HEALTHY_READS_WIKI.replace('[wiki]\nrules', '[wiki]\n    enforcement: report\nrules');
/** Owners alone, as the rule asks for a group. */
const STAFF_READS = HEALTHY_READS_WIKI.replace('require:', 'groups: [staff]\n    require:');
const WITH_GRACE = `
version: 1
postures:
  current:
    - sentinelOne:isUpToDate == true
gateways:
  edge:
    resources: [wiki]
rules:
  - name: everyone healthy reads the wiki
    resources: [wiki]
    require: [{ posture: current, grace: 72h }]
`;

const upToDate = (value: boolean) => ({
  attributes: {
    'sentinelOne:infected': { value: false, agent: 0 },
    'sentinelOne:isUpToDate': { value, agent: 0 },
  },
});
const ownedBy = (owner: string, groups: string[] = []) => ({
  device: { state: 'enrolled' as const, owner, groups, tags: [] },
});

describe('a plan', () => {
  it('says which devices, people and open sessions lose, and why, and changes nothing', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false, ownedBy('ana@example.com'));
    await world.change('d2', false, ownedBy('ana@example.com'));
    await world.change('d3', true, ownedBy('eve@example.com'));
    await Promise.all([world.decided('d1', 'allow'), world.decided('d2', 'allow'), world.decided('d3', 'deny')]);
    await world.openSession('s1', { deviceId: 'd2', user: 'kim@example.com' });
    await world.endSession(await world.openSession('over', { deviceId: 'd1' }));
    await world.settled();
    await world.sessionsOpen(1);

    const { plannedAt, ...planned } = await plan(NOBODY_READS);
    expect(Date.now() - Date.parse(plannedAt)).toBeLessThan(60_000);
    const lost = { gateway: 'edge', resource: 'wiki', change: 'lose', from: 'allow', to: 'deny' };
    const gained = { gateway: 'edge', resource: 'wiki', change: 'gain', from: 'deny', to: 'allow' };
    expect(planned).toEqual({
      errors: [],
      mode: 'enforce',
      baseRevision: 1,
      devices: 3,
      totals: {
        lose: 2,
        gain: 1,
        warn: 0,
        clear: 0,
        report: 0,
        unchanged: 0,
        people: 2,
        openSessions: 1,
        revocations: 1,
      },
      groups: [
        { ...lost, cause: { ...infectedCause, condition: 'sentinelOne:infected == true' }, devices: 2, sessions: 1 },
        { ...gained, cause: infectedCause, devices: 1, sessions: 0 },
      ],
      changes: [
        {
          deviceId: 'd2',
          owner: 'ana@example.com',
          changes: [lost],
          reasons: [expect.objectContaining({ code: 'condition-false', actual: false, agentId: 'agent-of-d2' })],
          sessions: [{ gateway: 'edge', sessionId: 's1', resource: 'wiki', user: 'kim@example.com' }],
        },
        expect.objectContaining({ deviceId: 'd1', sessions: [] }),
        expect.objectContaining({ deviceId: 'd3', reasons: [expect.objectContaining({ actual: true })] }),
      ],
      truncated: false,
    });
    await world.settled();
    expect([world.decisions.length, world.revocations.length, world.activations.length]).toEqual([3, 0, 1]);
  });

  it('of what is in force changes nothing', async () => {
    await world.settlePolicy(1, TWO_GATEWAYS);
    await world.change('d1', false);
    await world.change('d2', true);
    await world.openSession('of an unknown device', { deviceId: 'unknown' });
    await Promise.all([world.decided('d1', 'allow', 'ssh', 'vpn'), world.decided('unknown', 'deny')]);
    await world.settled();
    const { totals, devices, groups, changes } = await plan(TWO_GATEWAYS);
    expect([devices, totals.unchanged, groups, changes]).toEqual([3, 3, [], []]);
  });

  it('counts what no gateway serves any more as lost, and what one serves for the first time as gained', async () => {
    await world.settlePolicy(1, TWO_GATEWAYS);
    await world.change('d1', false);
    await Promise.all([world.decided('d1', 'allow', 'payroll'), world.decided('d1', 'allow', 'ssh', 'vpn')]);
    await world.openSession('s1', { gateway: 'vpn', resource: 'ssh' });
    await world.settled();
    const { groups, totals } = await plan(
      TWO_GATEWAYS.replace('[wiki, payroll]', '[wiki]').replace(
        'vpn:\n    resources: [ssh]',
        'lab:\n    resources: [ssh]',
      ),
    );
    expect(groups).toMatchObject([
      { gateway: 'vpn', resource: 'ssh', change: 'lose', sessions: 1, cause: { code: 'no-rule' } },
      { gateway: 'edge', resource: 'payroll', change: 'lose', sessions: 0, cause: { code: 'no-rule' } },
      { gateway: 'lab', resource: 'ssh', change: 'gain', devices: 1 },
    ]);
    expect(totals).toMatchObject({ lose: 1, gain: 1, revocations: 1 });
  });

  it('of the first policy is all gain', async () => {
    await world.change('d1', false);
    await world.change('d2', true);
    await world.settled();
    const { baseRevision, totals } = await plan(HEALTHY_READS_WIKI);
    expect([baseRevision, totals]).toMatchObject([0, { gain: 1, unchanged: 1 }]);
  });

  it('bears with what is in grace already, and warns whom a new requirement would', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false, upToDate(false));
    await world.change('d2', false, upToDate(true));
    await Promise.all([world.decided('d1', 'allow'), world.decided('d2', 'allow')]);
    await world.openSession('s1');
    await world.settled();
    const before = await plan(WITH_GRACE);
    expect(before.totals).toMatchObject({ warn: 1, lose: 0, revocations: 0, unchanged: 1 });
    expect(before.groups).toMatchObject([{ change: 'warn', from: 'allow', to: 'warn' }]);

    await world.settlePolicy(2, WITH_GRACE);
    await waitFor(() => world.decisionOf('d1')?.resources['wiki']?.effect === 'warn', { what: 'a warning' });
    await world.settled();
    expect((await plan(WITH_GRACE)).totals).toMatchObject({ unchanged: 2 });
    const back = await plan(HEALTHY_READS_WIKI);
    expect(back.groups).toMatchObject([{ change: 'clear', from: 'warn', to: 'allow', cause: { posture: 'current' } }]);
    const strict = await plan(WITH_GRACE.replace('{ posture: current, grace: 72h }', 'current'));
    expect(strict.totals).toMatchObject({ lose: 1, revocations: 1, unchanged: 1 });
  });

  it('revokes nothing at a gateway that only reports, and tells what it would report', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settled();
    const reporting = await plan(ONLY_REPORTS.replace('infected == false', 'infected == true'));
    expect(reporting.totals).toMatchObject({ report: 1, lose: 0, openSessions: 1, revocations: 0 });

    await world.settlePolicy(2, ONLY_REPORTS.replace('infected == false', 'infected == true'));
    await world.decided('d1', 'deny');
    await world.settled();
    const enforcing = await plan(NOBODY_READS);
    expect(enforcing.totals).toMatchObject({ lose: 1, people: 1, revocations: 1 });
    expect(enforcing.groups).toMatchObject([{ change: 'lose', from: 'deny', to: 'deny' }]);
  });

  it('counts the sessions of other users where a resource becomes its owner’s alone', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false, ownedBy('ana@example.com', ['staff']));
    await world.decided('d1', 'allow');
    await world.openSession('s1', { user: 'Ana@example.com' });
    await world.openSession('s2', { user: 'ben@example.com' });
    await world.settled();
    const { totals, changes } = await plan(STAFF_READS);
    expect(totals).toMatchObject({ lose: 1, people: 1, openSessions: 2, revocations: 1 });
    expect(changes).toMatchObject([{ sessions: [{ sessionId: 's2' }], reasons: [{ code: 'no-rule' }] }]);
  });

  it('counts the sessions of devices that were proved by less than the gateway is to accept', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false, ownedBy('ana@example.com'));
    await world.change('d2', false, ownedBy('ben@example.com'));
    await Promise.all([world.decided('d1', 'allow'), world.decided('d2', 'allow')]);
    await world.openSession('certified', { proof: 'certificate' });
    await world.openSession('by token', { user: undefined, proof: 'token' });
    await world.openSession('by address', { deviceId: 'd2', user: 'Ben@example.com' });
    await world.settled();
    const strict = HEALTHY_READS_WIKI.replace('[wiki]\nrules', '[wiki]\n    identity: certificate\nrules');
    const { totals, groups } = await plan(strict);
    expect(totals).toMatchObject({ lose: 2, people: 2, openSessions: 3, revocations: 2 });
    const lost = { change: 'lose', from: 'allow', to: 'allow', devices: 1, sessions: 1 };
    const poorly = (proof: string) => ({
      code: 'identity-missing',
      message: `The device was proved by ${proof}; the gateway needs a proof by certificate now.`,
    });
    expect(groups).toMatchObject([
      { ...lost, cause: poorly('token') },
      { ...lost, cause: poorly('address') },
    ]);
    await world.settlePolicy(2, strict);
    await world.revoked('by token', 'by address');
    await world.settled();
    expect(world.revocations).toHaveLength(totals.revocations);
  });

  it('of a policy in report mode is made as if it were enforced', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.settled();
    const { mode, totals } = await plan(NOBODY_READS.replace('version: 1', 'version: 1\nmode: report'));
    expect([mode, totals]).toMatchObject(['report', { lose: 1 }]);
  });
});

describe('a policy that could not come into force', () => {
  const TEST = `\ntests:\n  - name: the healthy read\n    device: { attributes: { 'sentinelOne:infected': false } }\n    expect: { wiki: allow }\n`;

  it.each([
    ['that is wrong', HEALTHY_READS_WIKI.replace('[healthy]', '[helthy]'), { message: /helthy/, line: 12 }],
    ['whose own tests fail', NOBODY_READS + TEST, { message: /the healthy read/ }],
    [
      'whose values grow stale before the sources can confirm them',
      HEALTHY_READS_WIKI.replace('version: 1', 'version: 1\ndefaults: { maxAge: 1h }'),
      { message: /maxAge/, line: 3 },
    ],
  ])('as one %s is not planned, and says why', async (_, document, { message, ...place }) => {
    await world.change('d1', false);
    const poller = new EventPublisher(world.connection, 'sentinelone-poller', { timeoutMs: PATIENCE_MS });
    const sweep = { startedAt: new Date().toISOString(), agents: 1, pages: 1, interval: 3_600 };
    const source = {
      source: 's',
      kind: 'sentinelone',
      state: 'ok',
      agents: 1,
      changed: 0,
      freshnessStep: 3_600,
      sweep,
    };
    await poller.publish(SourceReported, SourceReported.data.parse(source), world.options());
    await waitFor(async () => (await plan(document)).errors.length > 0, { what: 'the engine to know the source' });
    const { errors, devices, totals, changes, groups } = await plan(document);
    expect(errors).toMatchObject([{ message: expect.stringMatching(message), ...place }]);
    expect([devices, totals.lose, totals.gain, changes, groups]).toEqual([0, 0, 0, [], []]);
  });
});

describe('a plan over a large fleet', () => {
  const DEVICES = 2_000;
  const RESOURCES = Array.from({ length: 60 }, (_, index) => `r${index}`);
  const LARGE = [
    'version: 1',
    'postures:',
    ...RESOURCES.map((name) => `  ${name}: [sentinelOne:infected == false, sentinelOne:isActive == true]`),
    'gateways:',
    `  edge: { resources: [wiki, ${RESOURCES.join(', ')}] }`,
    'rules:',
    ...RESOURCES.map((name) => `  - { name: ${name}, resources: [wiki, ${name}], require: [${name}] }`),
  ].join('\n');

  beforeEach(async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await Promise.all(Array.from({ length: DEVICES }, (_, index) => world.change(`d${index}`, false)));
    await waitFor(() => world.decisions.length === DEVICES, { what: 'all decisions', timeoutMs: 60_000 });
    await world.settled();
  }, 120_000);
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** Whoever gives way waits until the returned function is called: a plan does not end before what is to overtake it. */
  function holdTurns(): () => void {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const turns = jest.spyOn(Slices.prototype, 'next').mockReturnValue(released);
    return () => {
      turns.mockRestore();
      release();
    };
  }

  it('lets posture changes through: their decisions are stored before it is done', async () => {
    let answered = false;
    const planning = plan(LARGE).finally(() => (answered = true));
    let through = 0;
    for (let change = 0; change < 5; change += 1) {
      await world.change(`d${change}`, true);
      await world.decided(`d${change}`, 'deny');
      if (answered) break;
      through += 1;
    }
    // How many depends on how fast the server is; a plan that gave no way would let none.
    expect(through).toBeGreaterThan(0);
    const { devices, totals, truncated } = await planning;
    expect([devices, totals.lose > DEVICES - 10, truncated]).toEqual([DEVICES, true, true]);
  });

  const refusing = (message: RegExp) => ({ code: 'not-ready', message: expect.stringMatching(message) });
  /** Its answer says that another is under way. */
  const expectAnother = () =>
    expect(plan(LARGE)).rejects.toMatchObject(
      refusing(/^another plan is being made, with [\d,]+ of 2,000 devices looked at after \d+ s: ask again/),
    );

  it('is the only one at a time', async () => {
    const release = holdTurns();
    const [first] = await Promise.allSettled([plan(LARGE), expectAnother().finally(release)]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { devices: DEVICES } });
    await expect(plan(HEALTHY_READS_WIKI)).resolves.toMatchObject({ totals: { unchanged: DEVICES } });
  });

  it('is given up when another policy comes into force', async () => {
    const release = holdTurns();
    const overtake = async () => {
      await expectAnother();
      await world.publishPolicy(2, NOBODY_READS);
      await waitFor(() => world.engines[0]?.health().details?.['policyRevision'] === 2, { what: 'it to be in force' });
    };
    const [overtaken] = await Promise.allSettled([plan(LARGE), overtake().finally(release)]);
    expect(overtaken).toMatchObject({ status: 'rejected', reason: refusing(/revision 2/) });
  });

  it('is given up after two minutes, so that the next one can be made', async () => {
    await world.stopEngine();
    let ahead = 0;
    await world.startEngine({ definition: policyEngineWith({ now: () => Date.now() + ahead }) });
    await world.settled();
    const release = holdTurns();
    const late = async () => {
      await expectAnother();
      ahead = 120_000;
    };
    const [abandoned] = await Promise.allSettled([plan(LARGE), late().finally(release)]);
    expect(abandoned).toMatchObject({
      status: 'rejected',
      reason: refusing(/^the plan was given up after 120 s, with [\d,]+ of 2,000 devices looked at/),
    });
    await expect(plan(HEALTHY_READS_WIKI)).resolves.toMatchObject({ devices: DEVICES });
  });

  it('is given up when the engine stops', async () => {
    const release = holdTurns();
    const stop = jest.spyOn(FleetPlan.prototype, 'stop');
    const stopping = async () => {
      await expectAnother();
      const ended = world.stopEngine();
      await waitFor(() => stop.mock.calls.length > 0, { what: 'the plan to be stopped' });
      release();
      await ended;
    };
    const [stopped, engine] = await Promise.allSettled([plan(LARGE), stopping().finally(release)]);
    expect(engine).toMatchObject({ status: 'fulfilled' });
    expect(stopped).toMatchObject({ status: 'rejected', reason: refusing(/stopping/) });
  });
});
