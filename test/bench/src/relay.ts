import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JsMsg,
} from '@nats-io/jetstream';
import { connectToNats } from '@stance/jetstream';
import { findNatsServer, startNatsServer } from '@stance/nats-server';
import { temporaryFolder, waitFor } from '@stance/testing';
import { cpuSeconds } from './pipeline.js';
import type { MeanBytes } from './message-sizes.js';
import { distributionOf, WARM_UP_BURST, WARM_UP_CHANGES, type Distribution } from './statistics.js';

const HOP = fileURLToPath(new URL('./relay-hop.js', import.meta.url));
const STREAMS = ['R1', 'R2', 'R3', 'R4'] as const;

async function startRelay(sizes: MeanBytes, { copies }: { copies: boolean }) {
  const folder = await temporaryFolder();
  const nats = await startNatsServer({ binary: await findNatsServer(), storeDir: folder.path, port: 0 });
  const connection = await connectToNats({ url: nats.url, name: 'relay-driver' });
  const manager = await jetstreamManager(connection);
  for (const name of [...STREAMS, 'COPY']) {
    await manager.streams.add({
      name,
      subjects: [`${name}.>`],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      max_msgs_per_subject: name === 'COPY' ? -1 : 64,
    });
  }
  const hops: ChildProcess[] = [];
  const hop = async (to: string, bytes: number, ...from: string[]) => {
    const child = spawn(process.execPath, [HOP, nats.url, to, String(bytes), ...from], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    hops.push(child);
    if (child.stdout !== null) await once(child.stdout, 'data');
  };
  await hop('R2', sizes.matched, 'R1');
  await hop('R3', sizes.posture, 'R2');
  await hop('R4', sizes.decision, 'R3');
  if (copies) await hop('COPY', 0, ...STREAMS);
  return {
    connection,
    manager,
    first: Buffer.alloc(sizes.observed, 'x'),
    /** Processor seconds of everything that takes part, so far. */
    cpu: async () => {
      const pids = [nats.pid, process.pid, ...hops.map(({ pid }) => pid ?? 0)];
      return (await Promise.all(pids.map(cpuSeconds))).reduce((sum, seconds) => sum + seconds, 0);
    },
    close: async () => {
      for (const child of hops) {
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        await exited;
      }
      await connection.close();
      await nats.stop();
      await folder.remove();
    },
  };
}

async function warmUp({ connection, manager, first }: Awaited<ReturnType<typeof startRelay>>): Promise<void> {
  const client = jetstream(connection);
  let next = 0;
  const worker = async () => {
    while (next < WARM_UP_BURST) await client.publish(`R1.w${next++}`, first);
  };
  await Promise.all(Array.from({ length: 256 }, worker));
  await waitFor(async () => (await manager.streams.info('R4')).state.last_seq >= WARM_UP_BURST, {
    what: 'the warm-up of the relay',
    timeoutMs: 60_000,
  });
}

/** From a publish on the first stream to the delivery from the fourth, one message after the other at a steady rate. */
export async function measureRelayReaction(
  sizes: MeanBytes,
  options: { changes: number; perSecond: number; answerEveryMs: number },
): Promise<Distribution> {
  const relay = await startRelay(sizes, { copies: false });
  const changes = options.changes + WARM_UP_CHANGES;
  try {
    const client = jetstream(relay.connection);
    await warmUp(relay);
    const sentAt = new Map<string, number>();
    const reactions: number[] = [];
    const consumer = await client.consumers.get('R4', { deliver_policy: DeliverPolicy.All });
    const messages = await consumer.consume({
      callback: (message: JsMsg) => {
        const sent = sentAt.get(message.subject.slice(3));
        if (sent !== undefined) reactions.push(performance.now() - sent);
      },
    });
    const interval = 1_000 / options.perSecond;
    const startedAt = performance.now();
    const published: Promise<unknown>[] = [];
    for (let index = 0; index < changes; index += 1) {
      // The console answers at intervals, so that changes come to the poller a few at a time: the same for the relay.
      const tick = Math.ceil((index * interval) / options.answerEveryMs) * options.answerEveryMs;
      const wait = startedAt + tick - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      sentAt.set(`d${index}`, performance.now());
      published.push(client.publish(`R1.d${index}`, relay.first));
    }
    await Promise.all(published);
    await waitFor(() => reactions.length >= changes, {
      what: 'the relay to deliver everything',
      timeoutMs: 30_000,
    });
    await messages.close();
    return distributionOf(reactions.slice(WARM_UP_CHANGES));
  } finally {
    await relay.close();
  }
}

/** Changes a second through four hops and a fifth process that copies all four streams, until nothing is pending. */
export async function measureRelayThroughput(
  sizes: MeanBytes,
  changes: number,
): Promise<{ changesPerSecond: number; cpuMicroseconds: number }> {
  const relay = await startRelay(sizes, { copies: true });
  try {
    const client = jetstream(relay.connection);
    const cpuBefore = await relay.cpu();
    const startedAt = performance.now();
    let next = 0;
    const worker = async () => {
      while (next < changes) await client.publish(`R1.d${next++}`, relay.first);
    };
    await Promise.all(Array.from({ length: 1_024 }, worker));
    await waitFor(async () => (await relay.manager.streams.info('COPY')).state.messages >= 4 * changes, {
      what: 'the copies to be complete',
      timeoutMs: 180_000,
      intervalMs: 20,
    });
    const changesPerSecond = changes / ((performance.now() - startedAt) / 1_000);
    return { changesPerSecond, cpuMicroseconds: Math.round((((await relay.cpu()) - cpuBefore) * 1e6) / changes) };
  } finally {
    await relay.close();
  }
}
