import { z } from 'zod';
import { answering } from './answering.js';
import { download } from './download.js';
import { KeptConnection } from './kept-connection.js';
import { Latencies } from './latencies.js';

/**
 * A load generator: sends prebuilt requests over connections that it keeps, one at a time on each, and counts the answers.
 * It builds and parses nothing on the way, so that a server on the other core is what is measured.
 */
const target = { host: z.string(), port: z.number() };
const commands = z.discriminatedUnion('do', [
  z.object({
    ...target,
    do: z.literal('load'),
    requests: z.array(z.string()).min(1),
    connections: z.number(),
    seconds: z.number(),
  }),
  z.object({ ...target, do: z.literal('download'), request: z.string() }),
]);

type Load = Extract<z.infer<typeof commands>, { do: 'load' }>;

async function load({ host, port, requests, connections, seconds }: Load) {
  const latencies = new Latencies();
  const prebuilt = requests.map((request) => Buffer.from(request, 'latin1'));
  const failed = Promise.withResolvers<never>();
  const kept = Array.from({ length: connections }, (_, index) => {
    const first = Math.floor((index * prebuilt.length) / connections);
    return new KeptConnection({ host, port }, prebuilt, first, latencies, failed.reject);
  });
  try {
    await Promise.race([Promise.all(kept.map((connection) => connection.ready)), failed.promise]);
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    for (const connection of kept) connection.begin();
    await Promise.race([new Promise((resolve) => setTimeout(resolve, seconds * 1_000)), failed.promise]);
    const elapsed = (performance.now() - startedAt) / 1_000;
    const { user, system } = process.cpuUsage(cpuBefore);
    const { count } = latencies;
    if (count === 0) throw new Error(`there was no answer within ${seconds} s`);
    return {
      perSecond: count / elapsed,
      requests: count,
      p50: latencies.quantile(0.5),
      p99: latencies.quantile(0.99),
      generatorMicroseconds: (user + system) / count,
    };
  } finally {
    for (const connection of kept) connection.close();
  }
}

answering(commands, (command) => (command.do === 'load' ? load(command) : download(command)));
