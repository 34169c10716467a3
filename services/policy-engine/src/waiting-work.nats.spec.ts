import { AckPolicy, jetstream, jetstreamManager, type ConsumerInfo, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { makeStreamsAnew, startTestNats, type TestNats } from '@stance/testing';
import { waitingAt } from './waiting-work.js';

const STREAM = 'WORK';
const CONSUMER = 'worker';
let nats: TestNats;
let connection: NatsConnection;
let manager: JetStreamManager;
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  manager = await jetstreamManager(connection);
});
afterAll(() => nats.close());
beforeEach(async () => {
  const stream = { name: STREAM, subjects: ['work.>', 'other.>'] };
  await makeStreamsAnew(manager, () => manager.streams.add(stream), [STREAM]);
  await manager.consumers.add(STREAM, {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    filter_subject: 'work.>',
  });
});

async function publish(...subjects: string[]): Promise<void> {
  for (const subject of subjects) await jetstream(connection).publish(subject);
}

/** Takes the consumer's next message; acknowledges it, or not yet. */
async function take({ finish }: { finish: boolean }): Promise<void> {
  const consumer = await jetstream(connection).consumers.get(STREAM, CONSUMER);
  const message = await consumer.next({ expires: 5_000 });
  if (finish) await message?.ackAck();
}

/** How the consumer stands, or as a server would say it that has lost count of what is pending. */
async function standing(overrides: Partial<ConsumerInfo> = {}): Promise<ConsumerInfo> {
  return { ...(await manager.consumers.info(STREAM, CONSUMER)), ...overrides };
}

it('nothing waits where all is finished', async () => {
  await publish('work.a', 'other.a');
  await take({ finish: true });
  expect(await waitingAt(manager, await standing())).toBe(0);
});

it('a message that is pending waits, also right behind those of other subjects', async () => {
  await publish('work.a', 'other.a', 'work.b');
  await take({ finish: true });
  expect(await waitingAt(manager, await standing({ num_pending: 1 }))).toBe(1);
});

it('a message that is under way waits, and those behind it', async () => {
  await publish('work.a', 'work.b');
  await take({ finish: false });
  const { num_ack_pending } = await standing();
  expect(num_ack_pending).toBeGreaterThan(0);
  // Whether the client has asked for the second one already is not certain.
  expect(await waitingAt(manager, await standing({ num_pending: 1, num_ack_pending }))).toBe(1 + num_ack_pending);
});

it.each<[string, readonly string[]]>([
  ['the stream ends', []],
  ['only other subjects have more', ['other.a']],
])('a pending message that is nowhere does not wait: %s', async (_, behind) => {
  await publish('work.a', ...behind);
  await take({ finish: true });
  expect(await waitingAt(manager, await standing({ num_pending: 1 }))).toBe(0);
});

it('a pending message that has left the stream does not wait', async () => {
  await publish('work.a', 'work.b');
  await take({ finish: true });
  await manager.streams.deleteMessage(STREAM, 2);
  expect(await waitingAt(manager, await standing({ num_pending: 1 }))).toBe(0);
});

it('without an answer of the leader nothing is said to be finished', async () => {
  await publish('work.a');
  const before = await standing({ num_pending: 1 });
  await manager.streams.delete(STREAM);
  await expect(waitingAt(manager, before)).rejects.toThrow('stream not found');
});
