import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { LookUpDenial } from '@stance/contracts';
import { applyTopology, lookUpDenial, newDenialKey } from '@stance/jetstream';
import { PATIENCE_MS, startSecuredNats, waitFor, type SecuredNats } from '@stance/testing';
import { call, holdingsOf, listenTo, store, type Answered, type Held } from './holdings.js';

/**
 * Known ways by which the API of JetStream lets a user write or read where it may not. Each is tried by the user of a gateway,
 * and changes nothing in the account of Stance: its streams hold the same messages as before. What a gateway may tell of itself
 * is stored, and what it does to its own copies is its own loss.
 */
const GATEWAYS = ['edge', 'vpn'];
const POLICY = 'stance.policy.published.v1';
const COPIES = ['STANCE_DECISIONS', 'STANCE_SESSIONS', 'STANCE_REVOCATIONS'];

/** Facts of others, and one that no stream keeps. */
const FOREIGN = [
  POLICY,
  'stance.policy.activated.v1',
  'stance.agent.observed.v1.acme.a1',
  'stance.device.recorded.v1.d1',
  'stance.agent.matched.v1.acme.a1',
  'stance.posture.changed.v1.d1',
  'stance.decision.changed.v1.edge.d1',
  'stance.decision.changed.v1.vpn.d1',
  'stance.session.started.v1.vpn.d1.s9',
  'stance.session.ended.v1.vpn.d1.s2',
  'stance.session.revoked.v1.edge.d1.s1',
  'stance.session.revoked.v1.vpn.d1.s2',
  'stance.source.reported.v1.acme',
  'stance.timer.set.v1.d1',
  'stance.timer.due.v1.d1',
  'stance.operator.acted.v1.hold-released.edge',
  'stance.operator.acted.v1.manual-link.a1',
  'stance.operator.acted.v1.break-glass-used.x',
  'stance.break-glass.used.v1.vpn.x',
  'stance.dead.policy-engine.stance.posture.changed.v1.d1',
  'stance.dead.gateway.x',
  'stance.audit.recorded.v1.STANCE_AGENTS.-',
  'stance.engine.reported.v1.edge',
  'stance.engine.reported.v1.vpn',
];

let nats: SecuredNats;
let witness: NatsConnection;
let edge: NatsConnection;
let before: Held[];
let heard: string[];

beforeAll(async () => {
  nats = await startSecuredNats({ gateways: GATEWAYS });
  await applyTopology(await nats.connectAs('topology'), { gateways: GATEWAYS });
  witness = await nats.connectAs('break-glass');
  for (const [subject, text] of [
    [POLICY, 'policy'],
    ['stance.decision.changed.v1.edge.d1', "edge's decision"],
    ['stance.decision.changed.v1.vpn.d1', "vpn's decision"],
    ['stance.session.started.v1.edge.d1.s1', "edge's session"],
    ['stance.session.started.v1.vpn.d1.s2', "vpn's session"],
    ['stance.session.revoked.v1.vpn.d1.s2', "vpn's revocation"],
  ] as const)
    await store(witness, subject, text);
  edge = await nats.connectAs('gateway-edge');
  const vpn = await nats.connectAs('gateway-vpn');
  // What feeds a copy is heard as well.
  for (const [gateway, streams] of [
    [edge, ['STANCE_SESSIONS', 'STANCE_DECISIONS']],
    [vpn, COPIES],
  ] as const)
    for (const stream of streams)
      await waitFor(async () => (await lastOfCopy(stream, gateway)) === 1, { what: 'a copy to hold what is its own' });
  heard = [];
  listenTo(witness, 'stance.>', heard);
});
afterAll(() => nats.close());

beforeEach(async () => {
  before = await holdingsOf(witness);
  heard.length = 0;
});
afterEach(() => expectUntouched());

/** Of what is not the gateway's own, the account of Stance holds what it held, and nobody has heard of anything. */
async function expectUntouched(): Promise<void> {
  await settled();
  const own = ({ subject }: Held) =>
    /^stance\.session\.(started|ended)\.v1\.edge\.|^stance\.break-glass\.used\.v1\.edge\./.test(subject);
  expect((await holdingsOf(witness)).filter((held) => !own(held))).toEqual(before.filter((held) => !own(held)));
  expect(heard.filter((subject) => FOREIGN.includes(subject))).toEqual([]);
}

interface State {
  readonly state: { readonly messages: number; readonly subjects?: Readonly<Record<string, number>> };
}

/** What a copy of the gateway holds. */
async function subjectsOfCopy(stream: string): Promise<string[]> {
  const info = await call<State>(edge, `$JS.API.STREAM.INFO.${stream}`, { subjects_filter: '>' });
  return info === 'refused' ? [] : Object.keys(info.state?.subjects ?? {});
}

async function lastOfCopy(stream: string, gateway = edge): Promise<number | undefined> {
  const info = await call<State>(gateway, `$JS.API.STREAM.INFO.${stream}`);
  return info === 'refused' ? undefined : info.state?.messages;
}

/** Everything that this gateway has set off so far has come to its end: a fact of its own is stored after it. */
async function settled(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await call(edge, '$JS.API.STREAM.INFO.STANCE_DECISIONS');
    await store(edge, 'stance.session.started.v1.edge.marker.s0', 'marker');
  }
  await witness.flush();
}

function own(): string {
  return 'stance.session.started.v1.edge.d1.s3';
}

describe('from the account of a gateway, onto a fact of others, there is no way', () => {
  test.each(FOREIGN)('by a publish on %s', async (subject) => {
    edge.publish(subject, 'forged');
    await edge.flush();
    await expectUntouched();
  });

  test.each([
    ['a direct get', '$JS.API.DIRECT.GET.STANCE_DECISIONS', { seq: 1 }],
    ['a direct get of a subject', '$JS.API.DIRECT.GET.STANCE_DECISIONS.stance.decision.changed.v1.edge.d1', ''],
    ['a message', '$JS.API.STREAM.MSG.GET.STANCE_DECISIONS', { last_by_subj: 'stance.decision.changed.v1.edge.d1' }],
    ['what is known of a stream', '$JS.API.STREAM.INFO.STANCE_DECISIONS', ''],
    ['what is known of the account', '$JS.API.INFO', ''],
    ['a consumer that is made', '$JS.API.CONSUMER.CREATE.STANCE_DECISIONS.one.>', consumer('STANCE_DECISIONS', 'one')],
    ['a consumer that is gone', '$JS.API.CONSUMER.DELETE.STANCE_DECISIONS.none', ''],
    ['a copy that is reset', '$JS.STANCE.API.CONSUMER.RESET.STANCE_DECISIONS.gateway-edge', ''],
    ['flow control', '$JS.FC.STANCE_DECISIONS.gateway-edge.1', ''],
    ['another replica', 'stance.rpc.gateway.denial.v1', { denialId: randomUUID() }],
    ['the direct get of Stance', '$JS.STANCE.API.DIRECT.GET.STANCE_DECISIONS', { seq: 1 }],
    ['the message of Stance', '$JS.STANCE.API.STREAM.MSG.GET.STANCE_POLICIES', { seq: 1 }],
  ])('by the reply subject of %s', async (_what, subject, body) => {
    for (const reply of FOREIGN)
      edge.publish(subject, typeof body === 'string' ? body : JSON.stringify(body), { reply });
    await edge.flush();
    await expectUntouched();
  });

  test('by the reply subject of the acknowledgement of a fact of its own', async () => {
    for (const reply of FOREIGN) edge.publish(own(), '{}', { reply });
    edge.publish('stance.break-glass.used.v1.edge.x', '{}', { reply: POLICY });
    await edge.flush();
    await expectUntouched();
  });

  test.each(FOREIGN)('by a consumer that delivers on %s', async (deliver_subject) => {
    await call(
      edge,
      '$JS.API.CONSUMER.CREATE.STANCE_SESSIONS.pushing.>',
      consumer('STANCE_SESSIONS', 'pushing', { deliver_subject }),
    );
    await waitFor(async () => (await lastOfCopy('STANCE_SESSIONS')) !== undefined, { what: 'the server to answer' });
    await call(edge, '$JS.API.CONSUMER.DELETE.STANCE_SESSIONS.pushing');
    await expectUntouched();
  });

  test('by pulling with a fact as reply subject', async () => {
    await call(edge, '$JS.API.CONSUMER.CREATE.STANCE_SESSIONS.pulling.>', consumer('STANCE_SESSIONS', 'pulling'));
    for (const reply of FOREIGN) pull('STANCE_SESSIONS', 'pulling', reply);
    await edge.flush();
    await expectUntouched();
  });

  test('by pulling with a fact of its own as reply subject: what comes keeps the subject that it had', async () => {
    const revoked = 'stance.session.revoked.v1.edge.d1.s1';
    await store(witness, revoked, "edge's revocation");
    await waitFor(async () => (await lastOfCopy('STANCE_REVOCATIONS')) === 1, { what: 'the revocation to be copied' });
    before = await holdingsOf(witness);
    await call(edge, '$JS.API.CONSUMER.CREATE.STANCE_REVOCATIONS.relay.>', consumer('STANCE_REVOCATIONS', 'relay'));
    pull('STANCE_REVOCATIONS', 'relay', own());
    await waitFor(async () => (await arrivals()).length > 1, {
      what: 'what was pulled to arrive, and that it was all',
    });
    expect(await arrivals()).toEqual([
      // Where only sessions are looked for by their subjects, nobody finds it.
      { stream: 'STANCE_SESSIONS', subject: revoked, text: "edge's revocation" },
      { stream: 'STANCE_SESSIONS', subject: own(), text: '' },
    ]);
    before = await holdingsOf(witness);
    heard.length = 0;
  });
});

async function arrivals(): Promise<Pick<Held, 'stream' | 'subject' | 'text'>[]> {
  const known = new Set(before.map(({ stream, sequence }) => `${stream} ${sequence}`));
  return (await holdingsOf(witness))
    .filter(({ stream, sequence, text }) => text !== 'marker' && !known.has(`${stream} ${sequence}`))
    .map(({ stream, subject, text }) => ({ stream, subject, text }));
}

describe('by what its messages carry, a gateway', () => {
  test.each([
    ['removes nothing by a rollup', { 'Nats-Rollup': 'all' }],
    ['removes not even its own by a rollup', { 'Nats-Rollup': 'sub' }],
    [
      'schedules nothing',
      { 'Nats-Schedule': `@at ${new Date(Date.now() + 1_000).toISOString()}`, 'Nats-Schedule-Target': POLICY },
    ],
    ['counts nothing up', { 'Nats-Incr': '+1' }],
    ['begins no batch', { 'Nats-Batch-Id': 'one', 'Nats-Batch-Sequence': '1', 'Nats-Batch-Commit': '1' }],
  ])('%s', async (_what, marks) => {
    const sessions = await call(edge, '$JS.API.STREAM.INFO.STANCE_SESSIONS');
    expect(await store(edge, own(), 'x', marks)).toEqual({ refused: expect.any(String) });
    expect(await store(edge, 'stance.break-glass.used.v1.edge.x', 'x', marks)).toEqual({
      refused: expect.any(String),
    });
    expect(sessions).not.toBe('refused');
  });

  test('lets no use of break-glass expire', async () => {
    const act = 'stance.break-glass.used.v1.edge.y';
    expect(await store(edge, act, 'x', { 'Nats-TTL': '1s' })).toEqual({ refused: expect.any(String) });
  });

  test('ends no session of others by a short life of its own', async () => {
    await store(edge, 'stance.session.ended.v1.edge.d1.short', 'x', { 'Nats-TTL': '1s' });
    await expectUntouched();
  });

  test('keeps back no revocation by its message id', async () => {
    const id = 'policy-engine:revoke:stance.session.revoked.v1.edge.d1.s7';
    await store(edge, own(), 'x', { 'Nats-Msg-Id': id });
    await store(edge, 'stance.break-glass.used.v1.edge.z', 'x', { 'Nats-Msg-Id': id });
    const engine = await nats.connectAs('policy-engine');
    expect(await store(engine, 'stance.session.revoked.v1.edge.d1.s7', 'revoked', { 'Nats-Msg-Id': id })).toEqual({
      duplicate: false,
    });
    before = await holdingsOf(witness);
  });
});

test('a gateway that answers first keeps nobody from the denial of another', async () => {
  const [{ denialId, secret }, other] = [newDenialKey(), newDenialKey()];
  const told = { denialId, effect: 'deny', reasons: [], deniedAt: '2026-01-05T10:00:00.000Z' } as const;
  const vpn = await nats.connectAs('gateway-vpn');
  const forged = [
    (message: Msg) => message.respond(JSON.stringify({ result: { ...told, gateway: 'vpn', secret: other.secret } })),
    (message: Msg) => message.respond(JSON.stringify({ error: { code: 'internal', message: 'no' } })),
    // As the server says that nobody listens.
    (message: Msg) => message.respond('', { headers: headers(503, 'No Responders') }),
  ];
  const viewer = await nats.connectAs('viewer');
  for (const forge of forged) {
    const forging = edge.subscribe(LookUpDenial.subject, { callback: (_error, message) => void forge(message) });
    // After the forged one.
    const answering = vpn.subscribe(LookUpDenial.subject, {
      callback: (_error, message) =>
        void edge.flush().then(() => message.respond(JSON.stringify({ result: { ...told, gateway: 'vpn', secret } }))),
    });
    await Promise.all([edge.flush(), vpn.flush()]);
    expect((await lookUpDenial(viewer, denialId, PATIENCE_MS)).denial).toEqual({ ...told, gateway: 'vpn' });
    for (const subscription of [forging, answering]) subscription.unsubscribe();
    await Promise.all([edge.flush(), vpn.flush()]);
  }
});

describe('a gateway reads nothing of other gateways', () => {
  test.each(COPIES)('as %s in its account holds nothing else than its own', async (stream) => {
    for (const subject of await subjectsOfCopy(stream)) expect(subject).toMatch(/\.v1\.edge\./);
    for (const wanted of [{ last_by_subj: 'stance.*.*.v1.vpn.>' }, { seq: 1, next_by_subj: 'stance.*.*.v1.vpn.>' }])
      expect(await call(edge, `$JS.API.STREAM.MSG.GET.${stream}`, wanted)).toMatchObject({ error: { code: 404 } });
  });

  test.each([
    [
      'another filter in the subject',
      '.stance.decision.changed.v1.vpn.>',
      { filter_subject: 'stance.decision.changed.v1.vpn.>' },
    ],
    ['everything', '.>', { filter_subject: '>' }],
    ['no filter', '', {}],
    [
      'another filter in the body',
      '.stance.decision.changed.v1.edge.>',
      { filter_subject: 'stance.decision.changed.v1.vpn.>' },
    ],
    [
      'several filters',
      '',
      { filter_subjects: ['stance.decision.changed.v1.edge.>', 'stance.decision.changed.v1.vpn.>'] },
    ],
  ])('by a consumer with %s', async (_what, filter, config) => {
    const name = `wide-${randomUUID()}`;
    const body = consumer('STANCE_DECISIONS', name, config);
    const made = await call(edge, `$JS.API.CONSUMER.CREATE.STANCE_DECISIONS.${name}${filter}`, body);
    await expectOnlyOwn(name, made);
  });

  test('by a consumer whose filter is widened later', async () => {
    const at = '$JS.API.CONSUMER.CREATE.STANCE_DECISIONS.widened';
    await call(edge, `${at}.stance.decision.changed.v1.edge.>`, consumer('STANCE_DECISIONS', 'widened'));
    const made = await call(edge, `${at}.>`, { ...consumer('STANCE_DECISIONS', 'widened'), action: 'update' });
    await expectOnlyOwn('widened', made);
  });

  test.each(['*', '>', '*.*'])('by a consumer named %s', async (name) => {
    const made = await call(
      edge,
      `$JS.API.CONSUMER.CREATE.STANCE_DECISIONS.${name}.>`,
      consumer('STANCE_DECISIONS', name),
    );
    expect(made === 'refused' || made.error !== undefined).toBe(true);
    const answers: string[] = [];
    const inbox = `_INBOX.${randomUUID()}`;
    edge.subscribe(inbox, {
      callback: (_error, { headers }) => {
        answers.push(`${headers?.code} ${headers?.description}`);
      },
    });
    pull('STANCE_DECISIONS', '*', inbox);
    await waitFor(() => answers.length > 0, { what: 'the server to answer' });
    expect(answers).toEqual(['503 ']);
  });

  test.each([
    '$JS.STANCE.API.STREAM.INFO.STANCE_DECISIONS',
    '$JS.STANCE.API.STREAM.MSG.GET.STANCE_DECISIONS',
    '$JS.STANCE.API.STREAM.MSG.GET.STANCE_AGENTS',
    '$JS.STANCE.API.DIRECT.GET.STANCE_DECISIONS.stance.decision.changed.v1.vpn.d1',
    '$JS.STANCE.API.CONSUMER.CREATE.STANCE_DECISIONS.mine.>',
    '$JS.STANCE.API.CONSUMER.CREATE.STANCE_DECISIONS.gateway-edge.>',
    '$JS.STANCE.API.CONSUMER.INFO.STANCE_DECISIONS.gateway-edge',
    '$JS.STANCE.API.CONSUMER.DELETE.STANCE_DECISIONS.gateway-edge',
    '$JS.STANCE.API.CONSUMER.RESET.STANCE_DECISIONS.gateway-vpn',
    '$JS.STANCE.API.CONSUMER.RESET.STANCE_POSTURE.policy-engine_posture-changed',
    '$JS.API.DIRECT.GET.STANCE_DECISIONS.stance.decision.changed.v1.vpn.d1',
    '$JS.API.STREAM.INFO.STANCE_AGENTS',
    '$JS.API.STREAM.CREATE.STANCE_POLICIES',
    '$JS.API.STREAM.UPDATE.STANCE_DECISIONS',
    '$JS.API.STREAM.DELETE.STANCE_DECISIONS',
    '$JS.FC.STANCE_DECISIONS.gateway-vpn.1',
  ])('by %s', async (subject) => {
    expect(await call(edge, subject, { seq: 1 })).toBe('refused');
  });

  test.each([
    'stance.copy.vpn.>',
    'stance.copy.>',
    'stance.>',
    '>',
    'stance.engine.reported.v1.vpn',
    'stance.engine.reported.v1.*',
  ])('by listening to %s', async (subject) => {
    const overheard = listenTo(edge, subject);
    await edge.flush();
    await store(witness, 'stance.decision.changed.v1.vpn.d2', 'overheard');
    witness.publish('stance.engine.reported.v1.vpn', 'overheard');
    await witness.flush();
    await settled();
    expect(overheard).toEqual([]);
    heard.length = 0;
    before = await holdingsOf(witness);
  });

  test('when it resets its copy to another place: it is fed its own again', async () => {
    for (const body of [{ seq: 1 }, { seq: 2 }, { filter_subject: '>' }, ''])
      await call(edge, '$JS.STANCE.API.CONSUMER.RESET.STANCE_DECISIONS.gateway-edge', body);
    await store(witness, 'stance.decision.changed.v1.vpn.d3', "vpn's");
    await settled();
    for (const subject of await subjectsOfCopy('STANCE_DECISIONS')) expect(subject).toMatch(/\.v1\.edge\./);
    before = await holdingsOf(witness);
  });
});

describe('a gateway neither asks nor answers for others', () => {
  test.each(['stance.rpc.policy-engine.explain.v1', 'stance.rpc.posture-store.list.v1', 'stance.rpc.audit.list.v1'])(
    'as on %s',
    async (subject) => {
      const [, , service = ''] = subject.split('.');
      const answering = await nats.connectAs(service);
      const asked = listenTo(answering, subject);
      await answering.flush();
      edge.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) message.respond('forged');
        },
      });
      expect(await call(edge, subject, {})).toBe('refused');
      await settled();
      await answering.flush();
      expect(asked).toEqual([]);
      await answering.close();
    },
  );

  test('as on the inbox of somebody else', async () => {
    const viewer = await nats.connectAs('viewer');
    const inbox = `${nats.inboxOf('viewer')}.waiting`;
    const answers = listenTo(viewer, inbox);
    await viewer.flush();
    edge.publish(inbox, 'forged');
    edge.publish(`_INBOX.${randomUUID()}`, 'forged');
    await settled();
    await viewer.flush();
    expect(answers).toEqual([]);
    await viewer.close();
  });
});

function consumer(stream: string, name: string, config: Readonly<Record<string, unknown>> = { filter_subject: '>' }) {
  const whole = { name, deliver_policy: 'all', ack_policy: 'none', mem_storage: true, filter_subject: '>', ...config };
  const { filter_subject, ...others } = whole;
  return {
    stream_name: stream,
    config: 'filter_subjects' in config ? others : { ...others, filter_subject },
    action: '',
  };
}

function pull(stream: string, name: string, reply: string): void {
  const all = headers();
  edge.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify({ batch: 10, no_wait: true }), {
    reply,
    headers: all,
  });
}

/** Whatever a consumer would deliver is of this gateway. */
async function expectOnlyOwn(name: string, made: Answered<object> | 'refused'): Promise<void> {
  if (made === 'refused' || made.error !== undefined) return;
  const subjects: string[] = [];
  let over = false;
  const inbox = `_INBOX.${randomUUID()}`;
  edge.subscribe(inbox, {
    callback: (_error, message) => {
      if (message.headers?.code === 0 || message.headers === undefined) subjects.push(message.subject);
      else over = true;
    },
  });
  pull('STANCE_DECISIONS', name, inbox);
  await waitFor(() => over, { what: 'the consumer to have delivered everything' });
  for (const subject of subjects) expect(subject).toMatch(/\.v1\.edge\./);
}
