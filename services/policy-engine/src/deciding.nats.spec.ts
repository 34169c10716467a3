import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  DecisionChanged,
  decodeEvent,
  EngineReported,
  Explain,
  STREAMS,
  subjectOf,
  type DataOf,
  type ResourceDecision,
} from '@stance/contracts';
import { applyTopology, ask } from '@stance/jetstream';
import { waitFor, PATIENCE_MS } from '@stance/testing';
import { policyEngineWith } from './service.js';
import { HEALTHY_READS_WIKI, TWO_GATEWAYS } from './spec/policies.js';
import { durable, World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startEngine();
  await world.settlePolicy(1, HEALTHY_READS_WIKI);
});

describe('a decision', () => {
  it('says for each gateway what its resources are, and on what it rests', async () => {
    await world.settlePolicy(2, TWO_GATEWAYS);
    await world.change('d1', false);
    const edge = await world.decided('d1', 'allow');
    await world.decided('d1', 'allow', 'ssh', 'vpn');
    expect(edge).toMatchObject({
      gateway: 'edge',
      deviceId: 'd1',
      postureRevision: 1_001,
      policyRevision: 2,
      resources: { wiki: { effect: 'allow', enforced: true, reasons: [] }, payroll: { effect: 'allow' } },
    });
    expect(Object.keys(edge.resources)).toEqual(['wiki', 'payroll']);
    expect(Date.parse(edge.reviewAt ?? '')).toBeGreaterThan(Date.now() + 23 * 60 * 60_000);
  });

  it('is written only when it changed', async () => {
    const observedAt = '2099-11-21T08:00:00.000Z';
    const agents = [{ source: 's', agentId: 'a', observedAt }];
    await world.change('d1', false, { agents });
    await world.decided('d1', 'allow');
    await world.change('d1', false, { agents, device: { state: 'enrolled', groups: ['it'], tags: [] } });
    await world.settled();
    expect(world.decisions).toHaveLength(1);
    await world.change('d1', true, { agents });
    const denied = await world.decided('d1', 'deny');
    expect(denied).toMatchObject({ postureRevision: 1_003 });
    expect(denied.resources['wiki']?.reasons).toMatchObject([
      { code: 'condition-false', attribute: 'sentinelOne:infected', actual: true, source: 's', agentId: 'a' },
    ]);
    await world.change('d1', false, { agents });
    await world.decided('d1', 'allow');
    await world.settled();
    expect(world.decisions).toHaveLength(3);
  });

  it('carries the cause of the posture on', async () => {
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    const subject = subjectOf(DecisionChanged, { gateway: 'edge', deviceId: 'd1' });
    const last = await world.manager.streams.getMessage(STREAMS.DECISIONS.name, { last_by_subj: subject });
    expect(decodeEvent(DecisionChanged, last?.data ?? new Uint8Array(), subject)).toMatchObject({
      source: '/stance/policy-engine',
      txn: expect.stringMatching(/^txn-/),
    });
  });

  it.each([
    [
      'not enrolled',
      { device: { state: 'unknown', groups: [], tags: [] }, problems: ['not-enrolled'] },
      'not-enrolled',
    ],
    ['quarantined', { problems: ['quarantined', 'duplicate-serial'] }, 'device-quarantined'],
    ['without an agent', { agents: [], attributes: {}, problems: ['no-agent'] }, 'attribute-unset'],
    ['in conflict', { attributes: {}, problems: ['conflict'] }, 'attribute-conflict'],
    ['stale', { agents: [{ source: 's', agentId: 'a', observedAt: '2020-01-01T00:00:00Z' }] }, 'attribute-stale'],
  ] as const)('denies a device that is %s, with the reason', async (_, overrides, code) => {
    await world.change('d1', false, structuredClone<object>(overrides));
    const { resources } = await world.decided('d1', 'deny');
    expect(resources['wiki']?.reasons[0]).toMatchObject({ code, message: expect.any(String) });
  });

  it('of a retired device denies, and is the only one kept, and ends by itself', async () => {
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.change('d1', false, { device: { state: 'retired', groups: [], tags: [] }, agents: [], attributes: {} });
    const { resources } = await world.decided('d1', 'deny');
    expect(resources['wiki']?.reasons).toMatchObject([{ code: 'device-retired' }]);
    const subject = subjectOf(DecisionChanged, { gateway: 'edge', deviceId: 'd1' });
    const { state } = await world.manager.streams.info(STREAMS.DECISIONS.name, { subjects_filter: subject });
    const last = await world.manager.streams.getMessage(STREAMS.DECISIONS.name, { last_by_subj: subject });
    expect([state.subjects?.[subject], last?.header.get('Nats-TTL')]).toEqual([1, '720h']);
  });

  it('of a device that was retired before it was first decided about ends by itself too', async () => {
    await world.change('d1', false, { device: { state: 'retired', groups: [], tags: [] }, agents: [], attributes: {} });
    await world.decided('d1', 'deny');
    const last_by_subj = subjectOf(DecisionChanged, { gateway: 'edge', deviceId: 'd1' });
    const last = await world.manager.streams.getMessage(STREAMS.DECISIONS.name, { last_by_subj });
    expect(last?.header.get('Nats-TTL')).toBe('720h');
  });
});

describe('a restart', () => {
  it('writes nothing new, and goes on', async () => {
    await world.change('d1', false);
    await world.change('d2', true);
    await Promise.all([world.decided('d1', 'allow'), world.decided('d2', 'deny')]);
    await world.settled();
    await world.stopEngine();
    await world.startEngine();
    await world.settled();
    expect([world.decisions.length, world.activations.length]).toEqual([2, 1]);
    await world.change('d1', true);
    await world.decided('d1', 'deny');
  });

  it('writes nothing new when everything is delivered again', async () => {
    for (const infected of [false, true, false]) await world.change('d1', infected);
    await world.settled();
    await world.decided('d1', 'allow');
    const before = world.decisions.length;
    await world.stopEngine();
    await world.manager.consumers.delete(durable.postures.stream, durable.postures.name);
    await world.startEngine();
    await world.settled();
    expect(world.decisions).toHaveLength(before);
  });

  it('of a standby takes over and knows everything', async () => {
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.settled();
    const [first] = [...world.engines];
    const second = await world.startEngine({ standby: true });
    await waitFor(() => second.state() === 'standby', { what: 'the second engine to stand by' });
    await world.change('d2', false);
    await world.decided('d2', 'allow');
    await first?.stop();
    await second.active;
    await world.settled();
    expect(world.decisions).toHaveLength(2);
    await world.change('d1', true);
    await world.decided('d1', 'deny');
  });
});

describe('a stream that is made anew under a running engine', () => {
  const makeAnew = async (name: string) => {
    await world.manager.streams.delete(name);
    await waitFor(() => applyTopology(world.connection), { what: 'the stream to be made anew' });
  };

  it('of postures: what it holds now is decided upon, not what it held', async () => {
    for (let change = 0; change < 3; change += 1) await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.settled();
    await makeAnew(STREAMS.POSTURE.name);
    await world.change('d1', true);
    await expect(world.decided('d1', 'deny')).resolves.toMatchObject({ postureRevision: 1_004 });
  });

  it('of decisions: they are made again', async () => {
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.settled();
    await makeAnew(STREAMS.DECISIONS.name);
    const last_by_subj = subjectOf(DecisionChanged, { gateway: 'edge', deviceId: 'd1' });
    const made = await waitFor(() => world.manager.streams.getMessage(STREAMS.DECISIONS.name, { last_by_subj }), {
      what: 'the decision to be made again',
    });
    expect(decodeEvent(DecisionChanged, made.data, last_by_subj).data.resources['wiki']?.effect).toBe('allow');
  });
});

describe('two engines', () => {
  it.each([
    ['posture', { postureRevision: 5_000, policyRevision: 1 }],
    ['policy', { postureRevision: 1_001, policyRevision: 50 }],
  ])('never replace a decision that rests on a newer %s', async (_, revisions) => {
    await world.change('d1', false);
    const { resources, ...allowed } = await world.decided('d1', 'allow');
    const denial: ResourceDecision = { effect: 'deny', enforced: true, reasons: [] };
    const newer = { ...allowed, ...revisions, resources: { ...resources, wiki: denial } };
    await world.replica.publish(DecisionChanged, newer, world.options());
    await world.change('d1', false, { revision: 1_001 });
    await world.settled();
    expect(world.decisionOf('d1')).toMatchObject(revisions);
    expect(world.decisionOf('d1')?.resources['wiki']?.effect).toBe('deny');
  });

  it('replace a decision of another one that rests on the same or less', async () => {
    await world.change('d1', false);
    const { resources, ...allowed } = await world.decided('d1', 'allow');
    const denial: ResourceDecision = { effect: 'deny', enforced: true, reasons: [] };
    const other = { ...allowed, resources: { ...resources, wiki: denial } };
    await world.replica.publish(DecisionChanged, other, world.options());
    await world.change('d1', true);
    const { resources: now } = await world.decided('d1', 'deny');
    await waitFor(() => world.decisionOf('d1')?.postureRevision === 1_002, { what: 'the engine’s own decision' });
    expect(now).toBeDefined();
    expect(world.decisionOf('d1')?.resources['wiki']?.reasons).toMatchObject([{ code: 'condition-false' }]);
  });
});

describe('the report to the gateways', () => {
  it('comes every five seconds, with how far the engine is', async () => {
    const reports: DataOf<typeof EngineReported>[] = [];
    await world.settlePolicy(2, TWO_GATEWAYS);
    const evaluated = await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.decided('d1', 'allow', 'ssh', 'vpn');
    await world.settled();
    await world.stopEngine();
    const subscription = world.connection.subscribe('stance.engine.reported.v1.>', {
      callback: (_, message) => void reports.push(decodeEvent(EngineReported, message.data, message.subject).data),
    });
    // An engine that takes over reports at once, and then regularly.
    const startedAt = Date.now();
    await world.startEngine();
    const decidedUpTo = (gateway: string) =>
      world.decisions.filter(({ data }) => data.gateway === gateway).at(-1)?.sequence;
    for (const gateway of ['edge', 'vpn']) {
      const report = {
        gateway,
        policyRevision: 2,
        lag: 0,
        evaluatedUpTo: evaluated,
        decidedUpTo: decidedUpTo(gateway),
      };
      const [first, second] = await waitFor(
        () => {
          const own = reports.filter((one) => one.gateway === gateway && one.evaluatedUpTo === evaluated);
          return own.length >= 2 ? own : undefined;
        },
        { what: `two reports to ${gateway}` },
      );
      expect([first, second]).toMatchObject([report, report]);
      const secondAt = Date.parse(second?.reportedAt ?? '');
      // Not before its time, by however much the first one was late; timers are a little less exact than clocks.
      expect(secondAt - startedAt).toBeGreaterThan(4_900);
      // A busy machine is late, but does not leave out two.
      expect(secondAt - Date.parse(first?.reportedAt ?? '')).toBeLessThan(15_000);
    }
    subscription.unsubscribe();
  });
});

describe('an engine whose decisions cannot be stored', () => {
  it('says nothing to the gateways, is not ready and says why, until they can', async () => {
    await world.stopEngine();
    const reports: DataOf<typeof EngineReported>[] = [];
    const subscription = world.connection.subscribe('stance.engine.reported.v1.edge', {
      callback: (_, message) => void reports.push(decodeEvent(EngineReported, message.data, message.subject).data),
    });
    const engine = await world.startEngine({
      definition: policyEngineWith({ report: { standstillMs: 2_000, intervalMs: 200 } }),
    });
    const agents = [{ source: 's', agentId: 'a', observedAt: '2099-11-21T08:00:00.000Z' }];
    await world.change('d1', false);
    const settled = await world.change('d2', false, { agents });
    await Promise.all([world.decided('d1', 'allow'), world.decided('d2', 'allow')]);
    await world.settled();
    await waitFor(() => engine.health().ready, { what: 'it to be ready' });
    const { name } = STREAMS.DECISIONS;
    const { state } = await world.manager.streams.info(name);
    await world.manager.streams.update(name, { max_bytes: state.bytes });
    await world.change('d1', true);
    // Needs no decision and is settled out of its turn: how far the engine is does not go beyond what waits.
    const beyond = await world.change('d2', false, { agents });
    await waitFor(() => !engine.health().ready, { what: 'it is not ready' });
    expect(engine.health().details).toMatchObject({
      standstill: expect.stringMatching(/^policy-engine_posture-changed has stood still .* can be written/),
    });
    expect(Math.max(...reports.map(({ evaluatedUpTo }) => evaluatedUpTo))).toBe(settled);
    const silentFrom = reports.length;
    await world.manager.streams.update(name, { max_bytes: -1 });
    await waitFor(() => world.decisionOf('d1')?.resources['wiki']?.effect === 'deny', {
      what: 'the decision to be stored',
      timeoutMs: 40_000,
    });
    const next = await waitFor(() => reports.slice(silentFrom).find(({ evaluatedUpTo }) => evaluatedUpTo !== settled), {
      what: 'a report beyond the last one',
    });
    expect([next.evaluatedUpTo, engine.health().ready]).toEqual([beyond, true]);
    subscription.unsubscribe();
  }, 90_000);
});

describe('explaining', () => {
  it('answers with every rule and condition, and what the gateways hold', async () => {
    await world.change('d1', true);
    await world.decided('d1', 'deny');
    const explanation = await ask(world.connection, Explain, { deviceId: 'd1', resource: 'wiki' });
    expect(explanation).toMatchObject({
      deviceId: 'd1',
      resource: 'wiki',
      effect: 'deny',
      postureRevision: 1_001,
      policyRevision: 1,
      reasons: [{ code: 'condition-false' }],
      rules: [{ name: 'everyone healthy reads the wiki', verdict: 'false', conditions: [{ actual: true }] }],
      decisions: [{ gateway: 'edge', decision: { effect: 'deny' } }],
    });
  });

  it('says that a device is not known', async () => {
    await expect(ask(world.connection, Explain, { deviceId: 'nobody', resource: 'wiki' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('says of a resource that nobody serves just that', async () => {
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await expect(ask(world.connection, Explain, { deviceId: 'd1', resource: 'wikki' })).resolves.toMatchObject({
      effect: 'deny',
      reasons: [{ code: 'no-rule', message: expect.stringContaining('wiki') }],
      decisions: [],
    });
  });
});

describe('bad input', () => {
  it.each([
    'stance.posture.changed.v1.d1',
    'stance.policy.published.v1',
    'stance.session.started.v1.edge.d1.s1',
    'stance.timer.due.v1.d1',
  ])('on %s is dead-lettered and stops nothing', async (subject) => {
    await world.connection.request(subject, '{"specversion":"1.0"}', { timeout: PATIENCE_MS });
    await waitFor(() => world.dead.length === 1, { what: 'a dead letter' });
    expect(world.dead[0]?.data).toMatchObject({
      service: 'policy-engine',
      originalSubject: subject,
      reason: { code: 'malformed' },
    });
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s2');
    await world.change('d1', true);
    await world.revoked('s2');
  });

  it('does not keep an engine from starting', async () => {
    await world.stopEngine();
    for (const subject of [
      'stance.posture.changed.v1.d9',
      'stance.policy.activated.v1',
      'stance.session.ended.v1.a.b.c',
    ])
      await world.connection.request(subject, '{', { timeout: PATIENCE_MS });
    await world.startEngine();
    await world.change('d1', false);
    await expect(world.decided('d1', 'allow')).resolves.toBeDefined();
  });
});
