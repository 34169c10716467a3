import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { applyTopology } from '@stance/jetstream';
import { AUTH_FORMATS } from '@stance/nats-auth';
import { startSecuredNats, waitFor, type SecuredNats } from '@stance/testing';
import { call, holdingsOf, store, type Held } from './holdings.js';

/**
 * The audit trail lies in an account of its own. Nobody takes anything back in it but that account's break-glass user: what
 * `deny_delete` and `deny_purge` leave open, such as a lower age or no stream at all, is kept from all users.
 */
const RECORD = 'stance.audit.recorded.v1.STANCE_AGENTS.-';
const USERS = ['audit-trail', 'auditor', 'audit', 'topology', 'policy-admin', 'policy-engine', 'gateway-edge'];
const CHANGES = [
  ['STREAM.DELETE', ''],
  ['STREAM.PURGE', { keep: 0 }],
  ['STREAM.UPDATE', { name: 'STANCE_AUDIT', subjects: ['stance.audit.recorded.v1.>'], max_age: 1_000_000_000 }],
  ['STREAM.MSG.DELETE', { seq: 1 }],
  ['STREAM.RESTORE', { config: { name: 'STANCE_AUDIT' } }],
  ['STREAM.SNAPSHOT', { deliver_subject: RECORD }],
  ['STREAM.PEER.REMOVE', { peer: 'stance-test' }],
] as const;

let nats: SecuredNats;
let keeper: NatsConnection;
let recorded: Held[];

beforeAll(async () => {
  nats = await startSecuredNats({ gateways: ['edge'] });
  await applyTopology(await nats.connectAs('topology'), { gateways: ['edge'] });
  keeper = await nats.connectAs('audit-break-glass');
  const writer = await nats.connectAs('audit-trail');
  for (const [index, text] of ['first record', 'second record'].entries())
    await store(writer, RECORD, text, { 'Nats-Expected-Last-Sequence': String(index) });
  recorded = await trail();
});
afterAll(() => nats.close());

async function trail(): Promise<Held[]> {
  return holdingsOf(keeper, ['STANCE_AUDIT']);
}

describe.each(USERS)('by %s, the audit trail', (user) => {
  let connection: NatsConnection;
  beforeAll(async () => {
    connection = await nats.connectAs(user);
  });

  test.each(CHANGES)('is not changed by %s', async (verb, body) => {
    for (const prefix of ['$JS.API', 'stance.setup.audit', '$JS.AUDIT.API'])
      expect(await call(connection, `${prefix}.${verb}.STANCE_AUDIT`, body)).toBe('refused');
    expect(await trail()).toEqual(recorded);
  });
});

test.each(['audit', 'auditor', 'policy-engine', 'gateway-edge'])(
  '%s appends nothing to the audit trail',
  async (user) => {
    const connection = await nats.connectAs(user);
    connection.publish(RECORD, 'forged');
    await connection.flush();
    expect(await trail()).toEqual(recorded);
  },
);

test('who may do everything in the account of Stance writes nothing to the audit trail', async () => {
  const connection = await nats.connectAs('break-glass');
  connection.publish(RECORD, 'forged');
  await connection.flush();
  expect(await call(connection, '$JS.API.STREAM.INFO.STANCE_AUDIT')).toMatchObject({ error: { code: 404 } });
  expect(await trail()).toEqual(recorded);
});

test('who makes the audit trail does not make it anew with a limit', async () => {
  const topology = await nats.connectAs('topology');
  const answer = await call(topology, 'stance.setup.audit.STREAM.CREATE.STANCE_AUDIT', {
    name: 'STANCE_AUDIT',
    subjects: ['stance.audit.recorded.v1.>'],
    max_age: 1_000_000_000,
  });
  expect(answer).toMatchObject({ error: { code: 400 } });
  expect(await trail()).toEqual(recorded);
});

test('no record is stored a second time by having it delivered into the audit trail', async () => {
  const writer = await nats.connectAs('audit-trail');
  const config = { name: 'again', deliver_policy: 'all', ack_policy: 'none', filter_subject: '>' };
  const at = '$JS.API.CONSUMER.CREATE.STANCE_AUDIT.again.>';
  expect(
    await call(writer, at, { stream_name: 'STANCE_AUDIT', config: { ...config, deliver_subject: RECORD } }),
  ).toMatchObject({ error: { description: 'consumer deliver subject forms a cycle' } });
  expect(await call(writer, at, { stream_name: 'STANCE_AUDIT', config })).toMatchObject({ name: 'again' });
  writer.publish('$JS.API.CONSUMER.MSG.NEXT.STANCE_AUDIT.again', JSON.stringify({ batch: 2, no_wait: true }), {
    reply: RECORD,
  });
  interface Info {
    readonly delivered: { readonly consumer_seq: number };
  }
  await waitFor(
    async () => {
      const info = await call<Info>(keeper, '$JS.API.CONSUMER.INFO.STANCE_AUDIT.again');
      return info !== 'refused' && info.delivered?.consumer_seq === 2;
    },
    { what: 'both records to have been delivered' },
  );
  // Each record says which one it follows, and none follows that one any more.
  expect(await trail()).toEqual(recorded);
});

/** Answered on the subject that a question names: each answer would be a record if it came into the account of the trail. */
const QUESTIONS = [
  ['what is known of the trail', 'STREAM.INFO.STANCE_AUDIT', ''],
  ['a record, wrapped', 'STREAM.MSG.GET.STANCE_AUDIT', '{"seq":1}'],
  ['a record', 'DIRECT.GET.STANCE_AUDIT', '{"seq":1}'],
  ['the last record of a subject', `DIRECT.GET.STANCE_AUDIT.${RECORD}`, ''],
  ['many records', 'DIRECT.GET.STANCE_AUDIT', '{"seq":1,"next_by_subj":">","batch":10}'],
  ['that there is no such record', 'DIRECT.GET.STANCE_AUDIT', '{"seq":99}'],
] as const;

describe.each(AUTH_FORMATS)('in the format %s, an auditor', (format) => {
  let own: SecuredNats;
  let auditor: NatsConnection;
  let keeping: NatsConnection;
  let kept: Held[];

  beforeAll(async () => {
    own = await startSecuredNats({ gateways: [] }, { format });
    await applyTopology(await own.connectAs('topology'));
    const writer = await own.connectAs('audit-trail');
    for (const text of ['first', 'second', 'third']) await store(writer, RECORD, text);
    auditor = await own.connectAs('auditor');
    keeping = await own.connectAs('audit-break-glass');
    kept = await holdingsOf(keeping, ['STANCE_AUDIT']);
  });
  afterAll(() => own.close());

  test.each(QUESTIONS)('is told %s, which becomes no record wherever it is asked to go', async (_what, about, body) => {
    const question = `$JS.AUDIT.API.${about}`;
    auditor.publish(question, body, { reply: RECORD });
    // Asked again, it is answered after that.
    const answer = await auditor.request(question, body);
    expect(answer.headers?.code).not.toBe(503);
    expect(answer.string()).not.toContain('"error"');
    expect(await holdingsOf(keeping, ['STANCE_AUDIT'])).toEqual(kept);
  });

  test.each([
    [2, ['first', 'second']],
    [10, ['first', 'second', 'third']],
  ])('reads up to %d records at once', async (batch, expected) => {
    const { direct } = await jetstreamManager(auditor, { apiPrefix: '$JS.AUDIT.API', checkAPI: false });
    const texts: string[] = [];
    for await (const message of await direct.getBatch('STANCE_AUDIT', { seq: 1, next_by_subj: '>', batch }))
      texts.push(message.string());
    expect(texts).toEqual(expected);
  });
});

test('who appends to the trail could do so by what it is answered, which is why auditors are elsewhere', async () => {
  const writer = await nats.connectAs('audit-trail');
  writer.publish('$JS.API.STREAM.MSG.GET.STANCE_AUDIT', JSON.stringify({ seq: 1 }), { reply: RECORD });
  const [answer] = await waitFor(
    async () => {
      const added = (await trail()).slice(recorded.length);
      return added.length > 0 && added;
    },
    { what: 'the answer to be stored' },
  );
  expect(answer).toMatchObject({ subject: RECORD, text: expect.stringContaining('stream_msg_get_response') });
});

test('the break-glass user of its account changes the audit trail', async () => {
  const answer = await call(keeper, '$JS.API.STREAM.UPDATE.STANCE_AUDIT', {
    name: 'STANCE_AUDIT',
    subjects: ['stance.audit.recorded.v1.>'],
    deny_delete: true,
    deny_purge: true,
    max_age: 3_600_000_000_000,
  });
  expect(answer).toMatchObject({ config: { max_age: 3_600_000_000_000 } });
});
