import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { z } from 'zod';
import { answering } from './answering.js';
import { monotonicMs } from './monotonic.js';

/**
 * The least that cutting takes: a pass-through of bytes that keeps both sockets of each connection by the device that its
 * first bytes name, and destroys them in a loop when it is told to.
 */
const commands = z.discriminatedUnion('do', [
  z.object({ do: z.literal('listen'), upstreamPort: z.number() }),
  /** Answers with the moment before the first is destroyed. */
  z.object({ do: z.literal('cut'), devices: z.array(z.string()) }),
]);

const carried = new Map<string, readonly [Socket, Socket]>();

async function listen(upstreamPort: number): Promise<number> {
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: '127.0.0.1', port: upstreamPort, noDelay: true });
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.once('data', (head: Buffer) => {
      const device = /^x-stance-device: (\S+)\r$/im.exec(head.toString('latin1'))?.[1];
      if (device === undefined) return client.destroy();
      carried.set(device, [client, upstream]);
      upstream.write(head);
      client.pipe(upstream).pipe(client);
      return undefined;
    });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function cut(devices: readonly string[]): number {
  const at = monotonicMs();
  for (const device of devices) for (const socket of carried.get(device) ?? []) socket.destroy();
  return at;
}

answering(commands, (command) => (command.do === 'listen' ? listen(command.upstreamPort) : cut(command.devices)));
