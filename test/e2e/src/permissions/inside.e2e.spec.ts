import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent, PolicyPublished, UnreadableEvent, type EventContract } from '@stance/contracts';
import { applyTopology, connectToNats, EventPublisher } from '@stance/jetstream';
import { startSecuredNats, waitFor, type SecuredNats } from '@stance/testing';
import { call, holdingsOf, store, type Held } from './holdings.js';

/**
 * Within the account of Stance, permissions stop mistakes, not an attacker who holds a service's or a person's key: answers of the
 * API of JetStream go wherever the reply subject says. What such answers can do there, and what they cannot, is stated here, so
 * that nobody takes these permissions for a boundary, and so that it is noticed when a server does otherwise.
 */
const POLICY = 'stance.policy.published.v1';
const REVOKED = 'stance.session.revoked.v1.edge.d1.s1';

let nats: SecuredNats;
let witness: NatsConnection;
let poller: NatsConnection;
let viewer: NatsConnection;
let operator: NatsConnection;
let before: Held[];

beforeAll(async () => {
  nats = await startSecuredNats({ gateways: ['edge'], sources: ['acme', 'globex'] });
  await applyTopology(await nats.connectAs('topology'), { gateways: ['edge'] });
  witness = await nats.connectAs('break-glass');
  poller = await nats.connectAs('sentinelone-poller-acme');
  viewer = await nats.connectAs('viewer');
  operator = await nats.connectAs('operator');
  await publishPolicy(1, 0);
  await publishPolicy(2, 1);
});
afterAll(() => nats.close());
beforeEach(async () => {
  before = await holdingsOf(witness);
});

/** As the command line does it: it names what it follows. */
async function publishPolicy(revision: number, expectedSequence: number): Promise<void> {
  const admin = await connectToNats({ url: nats.url, name: 'policy-admin', nkeySeedFile: nats.fileOf('policy-admin') });
  const publisher = new EventPublisher(admin, 'cli');
  await publisher.publish(
    PolicyPublished,
    { revision, document: `revision ${revision}`, sha256: '0'.repeat(64), publishedBy: 'admin' },
    { id: randomUUID(), cause: {}, expectedSequence },
  );
  publisher.close();
  await admin.close();
}

async function arrivals(): Promise<Held[]> {
  const known = new Set(before.map(({ stream, sequence }) => `${stream} ${sequence}`));
  return (await holdingsOf(witness)).filter(({ stream, sequence }) => !known.has(`${stream} ${sequence}`));
}

async function arrived(count: number): Promise<Held[]> {
  return waitFor(
    async () => {
      const held = await arrivals();
      return held.length >= count && held;
    },
    { what: `${count} messages to arrive` },
  );
}

/** Whether a reader of these events takes a message for one. */
function isEvent(contract: EventContract, { subject, text, headers }: Held): boolean {
  if ('Nats-Stream' in headers) return false;
  try {
    decodeEvent(contract, Buffer.from(text), subject);
    return true;
  } catch (error) {
    if (error instanceof UnreadableEvent) return false;
    throw error;
  }
}

describe('within the account of Stance, what lands on a fact by a reply subject is stored, and is no event', () => {
  test.each([
    ['what is known of a stream', '$JS.API.STREAM.INFO.STANCE_AGENTS', ''],
    ['a message, wrapped', '$JS.API.STREAM.MSG.GET.STANCE_AGENTS', { seq: 1 }],
    ['what is known of the account', '$JS.API.INFO', ''],
    ['a consumer that is gone', '$JS.API.CONSUMER.DELETE.STANCE_AGENTS.none', ''],
    ['the acknowledgement of a fact of its own', 'stance.agent.observed.v1.acme.a1', 'x'],
  ])('as %s, asked for by a poller', async (_what, subject, body) => {
    poller.publish(subject, typeof body === 'string' ? body : JSON.stringify(body), { reply: POLICY });
    await poller.flush();
    const held = await waitFor(async () => (await arrivals()).find(({ stream }) => stream === 'STANCE_POLICIES'), {
      what: 'the answer to arrive',
    });
    expect(held.subject).toBe(POLICY);
    expect(isEvent(PolicyPublished, held)).toBe(false);
  });

  test('as what a person reads by a direct get, though it be forged: it says which stream it was read from', async () => {
    const [policy] = await holdingsOf(witness, ['STANCE_POLICIES']);
    const forged = 'stance.operator.acted.v1.manual-link.forged';
    await store(operator, forged, policy?.text ?? '');
    before = await holdingsOf(witness);
    viewer.publish(`$JS.API.DIRECT.GET.STANCE_OPERATIONS.${forged}`, '', { reply: POLICY });
    await viewer.flush();
    const [held] = await arrived(1);
    expect(held).toMatchObject({
      subject: POLICY,
      text: policy?.text,
      headers: { 'Nats-Stream': 'STANCE_OPERATIONS' },
    });
    // The mark alone tells: whoever does not look for it takes this for a policy.
    expect(held && isEvent(PolicyPublished, { ...held, headers: {} })).toBe(true);
    expect(held && isEvent(PolicyPublished, held)).toBe(false);
  });
});

describe('within the account of Stance, what a consumer delivers onto a fact', () => {
  test('keeps the subject that it had: nothing forged on a subject of its own becomes a fact of others', async () => {
    const forged = 'stance.agent.observed.v1.acme.forged';
    const policy = (await holdingsOf(witness, ['STANCE_POLICIES']))[0];
    await store(poller, forged, policy?.text ?? '');
    before = await holdingsOf(witness);
    await follow(poller, 'STANCE_AGENTS', 'pulled', forged);
    pull(poller, 'STANCE_AGENTS', 'pulled', POLICY);
    await follow(poller, 'STANCE_AGENTS', 'pushed', forged, { deliver_subject: POLICY });
    const held = (await arrived(2)).filter(({ text }) => text !== '');
    expect(held.map(({ stream, subject }) => ({ stream, subject }))).toEqual([
      { stream: 'STANCE_POLICIES', subject: forged },
      { stream: 'STANCE_POLICIES', subject: forged },
    ]);
  });

  test('is not pushed into the stream that it comes from', async () => {
    expect(await follow(viewer, 'STANCE_POLICIES', 'cycle', '>', { deliver_subject: POLICY })).toMatchObject({
      error: { description: 'consumer deliver subject forms a cycle' },
    });
  });

  test('is not stored again where it named what it followed, as facts do', async () => {
    await follow(viewer, 'STANCE_POLICIES', 'replayed', POLICY);
    pull(viewer, 'STANCE_POLICIES', 'replayed', POLICY, 2);
    await waitFor(async () => (await delivered(viewer, 'STANCE_POLICIES', 'replayed')) === 2, {
      what: 'both policies to have been delivered',
    });
    // What comes after it has been stored: so was, or was refused, what came before.
    pull(viewer, 'STANCE_POLICIES', 'replayed', POLICY);
    expect((await arrivals()).filter(({ text }) => text.includes('revision'))).toEqual([]);
  });

  test('is stored again where it named nothing that it followed', async () => {
    const unconditional = 'stance.operator.acted.v1.manual-link.unconditional';
    await store(operator, unconditional, 'one');
    await store(operator, unconditional, 'two');
    before = await holdingsOf(witness);
    await follow(viewer, 'STANCE_OPERATIONS', 'again', unconditional);
    pull(viewer, 'STANCE_OPERATIONS', 'again', unconditional);
    expect(await arrived(1)).toMatchObject([{ subject: unconditional, text: 'one', headers: {} }]);
  });

  test('keeps its message id, by which a message of the same id counts as stored for two minutes', async () => {
    const id = `policy-engine:revoke:${REVOKED}`;
    const marked = 'stance.agent.observed.v1.acme.marked';
    await store(poller, marked, 'x', { 'Nats-Msg-Id': id });
    before = await holdingsOf(witness);
    await follow(poller, 'STANCE_AGENTS', 'marking', marked);
    pull(poller, 'STANCE_AGENTS', 'marking', 'stance.session.revoked.v1.any.any.any');
    expect(await arrived(1)).toMatchObject([
      { stream: 'STANCE_REVOCATIONS', subject: marked, headers: { 'Nats-Msg-Id': id } },
    ]);
    const engine = await nats.connectAs('policy-engine');
    // So that a revocation is known to be stored only when it was read back.
    expect(await store(engine, REVOKED, 'revoked', { 'Nats-Msg-Id': id })).toEqual({ duplicate: true });
    expect(await holdingsOf(witness, ['STANCE_REVOCATIONS'])).not.toContainEqual(
      expect.objectContaining({ subject: REVOKED }),
    );
  });
});

describe('within the account of Stance, by what its messages carry, a service', () => {
  test.each([
    ['STANCE_OPERATIONS', 'stance.operator.acted.v1.manual-link.x', 'operator'],
    ['STANCE_SOURCES', 'stance.source.reported.v1.acme', 'sentinelone-poller-acme'],
    ['STANCE_DEAD', 'stance.dead.config-sync.x', 'config-sync'],
    ['STANCE_POLICIES', 'stance.policy.activated.v1', 'policy-engine'],
  ])('retires nothing in %s, where nothing is retired, by %s of %s', async (_stream, subject, user) => {
    const connection = await nats.connectAs(user);
    for (const marks of [{ 'Nats-Rollup': 'all' }, { 'Nats-Rollup': 'sub' }, { 'Nats-Schedule': '@every 1s' }])
      expect(await store(connection, subject, 'x', marks)).toEqual({ refused: expect.any(String) });
    expect(await holdingsOf(witness)).toEqual(before);
    await connection.close();
  });

  test('schedules nothing onto a fact of others', async () => {
    const engine = await nats.connectAs('policy-engine');
    const marks = {
      'Nats-Schedule': `@at ${new Date(Date.now() + 60_000).toISOString()}`,
      'Nats-Schedule-Target': POLICY,
    };
    expect(await store(engine, 'stance.timer.set.v1.d1', 'x', marks)).toEqual({ refused: expect.any(String) });
    expect(await holdingsOf(witness)).toEqual(before);
  });

  test('removes all facts of its stream where one may retire its own: a server does not tell one rollup from the other', async () => {
    const globex = await nats.connectAs('sentinelone-poller-globex');
    await store(globex, 'stance.agent.observed.v1.globex.b1', 'of globex');
    await store(poller, 'stance.agent.observed.v1.acme.a1', 'of acme', { 'Nats-Rollup': 'all' });
    expect((await holdingsOf(witness, ['STANCE_AGENTS'])).map(({ text }) => text)).toEqual(['of acme']);
  });
});

async function delivered(connection: NatsConnection, stream: string, name: string): Promise<number | undefined> {
  interface List {
    readonly consumers: readonly { readonly name: string; readonly delivered: { readonly consumer_seq: number } }[];
  }
  const list = await call<List>(connection, `$JS.API.CONSUMER.LIST.${stream}`, { offset: 0 });
  if (list === 'refused') return undefined;
  return list.consumers?.find((consumer) => consumer.name === name)?.delivered.consumer_seq;
}

function follow(
  connection: NatsConnection,
  stream: string,
  name: string,
  filter_subject: string,
  config: Readonly<Record<string, unknown>> = {},
) {
  return call(connection, `$JS.API.CONSUMER.CREATE.${stream}.${name}.${filter_subject}`, {
    stream_name: stream,
    config: { name, deliver_policy: 'all', ack_policy: 'none', mem_storage: true, filter_subject, ...config },
  });
}

function pull(connection: NatsConnection, stream: string, name: string, reply: string, batch = 1): void {
  connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify({ batch, no_wait: true }), {
    reply,
  });
}
