import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { copyOf, DecisionChanged, filterOf, setupPrefixOf, STREAMS, subjectOf } from '@stance/contracts';
import { applyTopology, StreamFollower } from '@stance/jetstream';
import { PATIENCE_MS, startNatsCluster, waitFor, type NatsCluster, type ServerEnd } from '@stance/testing';

const STREAM = STREAMS.DECISIONS;
const { origin } = copyOf(STREAM, 'edge');

let nats: NatsCluster;
let everything: NatsConnection;
let topology: NatsConnection;
let gateway: NatsConnection;
/** Looks at the streams of Stance, and at the copies in the gateway's account. */
let originals: JetStreamManager;
let copies: JetStreamManager;
let follower: StreamFollower;
const seen = new Set<string>();

beforeAll(async () => {
  nats = await startNatsCluster({ estate: { gateways: ['edge', 'vpn'] } });
  topology = await nats.connectAs('topology');
  await applyTopology(topology, { replicas: 3, gateways: ['edge', 'vpn'] });
  everything = await nats.connectAs('break-glass');
  gateway = await nats.connectAs('gateway-edge');
  originals = await jetstreamManager(everything, { checkAPI: false });
  copies = await jetstreamManager(topology, { checkAPI: false, apiPrefix: setupPrefixOf('edge') });
  await nats.inSync();
  const options = {
    stream: STREAM.name,
    filter: filterOf(DecisionChanged, { gateway: 'edge' }),
    from: { sequence: 1 },
  };
  follower = await StreamFollower.start(gateway, options, (message) => void seen.add(message.string()));
}, 120_000);

afterAll(async () => {
  await follower?.stop();
  await nats?.close();
});

/** Whoever leads the original, the consumer that feeds the copy, and the copy. */
const LEADERS = {
  'the original': async () => (await originals.streams.info(STREAM.name)).cluster?.leader,
  'what feeds the copy': async () => (await originals.consumers.info(STREAM.name, origin.consumer)).cluster?.leader,
  'the copy': async () => (await copies.streams.info(STREAM.name)).cluster?.leader,
} as const;
type Part = keyof typeof LEADERS;
const PARTS = Object.keys(LEADERS) as Part[];

let decided = 0;

/** Publishes until it is confirmed, as services do, and resolves once a reader in the gateway's account has it. */
async function expectDelivery(): Promise<void> {
  const content = String((decided += 1));
  const subject = subjectOf(DecisionChanged, { gateway: 'edge', deviceId: `d${content}` });
  const publish = async () => {
    const { seq } = await jetstream(everything, { timeout: 2_000 }).publish(subject, content, { msgID: content });
    return seq;
  };
  const patience = { timeoutMs: 60_000, intervalMs: 10 };
  await waitFor(publish, { what: `message ${content} to be stored`, ...patience });
  // By its own defaults the client would ask again after 30 to 45 s, and without the right to look at its consumer never.
  const soon = { timeoutMs: 25_000, intervalMs: 10 };
  await waitFor(() => seen.has(content), { what: `message ${content} at the gateway`, ...soon });
}

/** The copy holds what the original has of its gateway, under the same sequence. */
async function expectSame(): Promise<void> {
  const last_by_subj = filterOf(DecisionChanged, { gateway: 'edge' });
  const [original, copy] = await Promise.all([
    originals.streams.getMessage(STREAM.name, { last_by_subj }),
    (await jetstreamManager(gateway, { checkAPI: false })).streams.getMessage(STREAM.name, { last_by_subj }),
  ]);
  expect(copy?.seq).toBe(original?.seq);
  expect(seen.size).toBe(decided);
}

async function leaderOf(part: Part) {
  const leader = await waitFor(LEADERS[part], { what: `${part} to have a leader`, timeoutMs: 60_000 });
  const server = nats.servers.find(({ name }) => name === leader);
  if (server === undefined) throw new Error(`${leader} leads ${part} and is none of the servers`);
  return server;
}

describe('a copy of decisions in the account of a gateway, with three replicas', () => {
  test.each([
    ['the original', `$JS.API.STREAM.LEADER.STEPDOWN.${STREAM.name}`],
    ['what feeds the copy', `$JS.API.CONSUMER.LEADER.STEPDOWN.${STREAM.name}.${origin.consumer}`],
  ] as const)(
    'goes on when another server leads %s',
    async (part, stepDown) => {
      for (let round = 0; round < 3; round += 1) {
        const before = await leaderOf(part);
        await everything.request(stepDown, '', { timeout: PATIENCE_MS });
        await expectDelivery();
        await waitFor(async () => (await leaderOf(part)) !== before, { what: `another leader of ${part}` });
        await expectDelivery();
      }
      await expectSame();
    },
    120_000,
  );

  test.each(
    PARTS.flatMap((part) => (['lame duck', 'shutdown', 'kill'] as const).map((how): [Part, ServerEnd] => [part, how])),
  )(
    'goes on when the server that leads %s ends by %s, without it and with it again',
    async (part, how) => {
      const server = await leaderOf(part);
      await server.end(how);
      await expectDelivery();
      await server.start();
      await expectDelivery();
      await nats.inSync();
      await expectDelivery();
      await expectSame();
    },
    180_000,
  );

  test('is read by nobody else: another gateway has a copy of its own', async () => {
    const other = await nats.connectAs('gateway-vpn');
    const manager = await jetstreamManager(other, { checkAPI: false });
    const last_by_subj = filterOf(DecisionChanged, { gateway: 'edge' });
    expect(await manager.streams.getMessage(STREAM.name, { last_by_subj })).toBeNull();
    const asked = other.request(`${setupPrefixOf('edge')}.STREAM.INFO.${STREAM.name}`, '', { timeout: PATIENCE_MS });
    await expect(asked).rejects.toThrow('Permissions Violation');
  });
});
