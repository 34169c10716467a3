import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';

/** One server's answer to a question that goes to all (NATS documentation, "System events", `$SYS.REQ.SERVER.PING`). */
const answerOf = <Data extends z.ZodType>(data: Data) =>
  z.object({ server: z.object({ name: z.string() }), data: data.optional() });

const Health = answerOf(z.object({ status: z.string(), error: z.string().optional() }));

const Peer = z.object({ name: z.string(), current: z.boolean().default(false), offline: z.boolean().default(false) });
const StreamState = z.object({
  name: z.string(),
  cluster: z.object({ leader: z.string().default(''), replicas: z.array(Peer).default([]) }).optional(),
});
const JetStream = answerOf(
  z.object({
    account_details: z
      .array(z.object({ name: z.string(), stream_detail: z.array(StreamState).default([]) }))
      .default([]),
  }),
);

/** A server answers within this many milliseconds, or counts as away. */
const ANSWER_MS = 2_000;

/**
 * Why the cluster could not lose a server just now without anyone noticing; empty when every server is healthy by its own
 * word (streams and consumers included), and each stream has a leader that sees all its replicas up to date.
 */
export async function ailmentsOf(system: NatsConnection, servers: readonly string[]): Promise<string[]> {
  const [healths, states] = await Promise.all([
    askAll(system, 'HEALTHZ', {}, Health, servers.length),
    askAll(system, 'JSZ', { accounts: true, streams: true }, JetStream, servers.length),
  ]);
  const unwell = servers.flatMap((name) => {
    const health = healths.find(({ server }) => server.name === name)?.data;
    return health?.status === 'ok' ? [] : [`${name}: ${health?.error ?? 'does not answer'}`];
  });
  const streams = new Map<string, string[]>();
  for (const { server, data } of states) {
    for (const account of data?.account_details ?? []) {
      for (const { name, cluster } of account.stream_detail) {
        const key = `${account.name} ${name}`;
        const before = streams.get(key) ?? [`${key}: no leader`];
        streams.set(key, cluster?.leader === server.name ? laggards(key, cluster.replicas) : before);
      }
    }
  }
  return [...unwell, ...[...streams.values()].flat()];
}

function laggards(stream: string, replicas: readonly z.infer<typeof Peer>[]): string[] {
  return replicas
    .filter(({ current, offline }) => offline || !current)
    .map(({ name }) => `${stream}: the replica on ${name} is behind`);
}

async function askAll<Answer>(
  system: NatsConnection,
  what: 'HEALTHZ' | 'JSZ',
  question: object,
  schema: z.ZodType<Answer>,
  servers: number,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  const asked = await system.requestMany(`$SYS.REQ.SERVER.PING.${what}`, JSON.stringify(question), {
    strategy: 'count',
    maxMessages: servers,
    maxWait: ANSWER_MS,
  });
  for await (const message of asked) answers.push(schema.parse(message.json()));
  return answers;
}
