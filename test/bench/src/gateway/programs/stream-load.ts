import { DeliverPolicy, jetstream, type JsMsg } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { STREAMS } from '@stance/contracts';
import { connectGateway } from '@stance/gateway-sdk';
import { z } from 'zod';
import { answering } from './answering.js';
import { heapInUse } from './heap.js';

/** Loads a gateway's decisions from the stream, and reads as many messages without looking at them. */
const commands = z.object({
  do: z.enum(['load a gateway', 'only read']),
  url: z.string(),
  gateway: z.string(),
  decisions: z.number(),
});
type Command = z.infer<typeof commands>;

async function loadGateway({ url, gateway: name, decisions }: Command) {
  const connection = await connect({ servers: url, name: 'bench-gateway', maxReconnectAttempts: -1 });
  const before = heapInUse();
  const startedAt = performance.now();
  const gateway = await connectGateway({ connection, gateway: name });
  const seconds = (performance.now() - startedAt) / 1_000;
  const bytes = heapInUse() - before;
  const { decisions: loaded } = gateway.health();
  await gateway.close();
  await connection.close();
  if (loaded !== decisions) throw new Error(`${loaded} of ${decisions} decisions were loaded`);
  return { perSecond: decisions / seconds, bytesEach: bytes / decisions };
}

async function onlyRead({ url, decisions }: Command) {
  const connection = await connect({ servers: url, name: 'bench-reader' });
  const startedAt = performance.now();
  const consumer = await jetstream(connection).consumers.get(STREAMS.DECISIONS.name, {
    deliver_policy: DeliverPolicy.All,
  });
  const done = Promise.withResolvers<void>();
  let read = 0;
  const messages = await consumer.consume({
    callback: (_message: JsMsg) => {
      read += 1;
      if (read === decisions) done.resolve();
    },
  });
  await done.promise;
  const seconds = (performance.now() - startedAt) / 1_000;
  await messages.close();
  await connection.close();
  return { perSecond: decisions / seconds, bytesEach: 0 };
}

answering(commands, (command) => (command.do === 'only read' ? onlyRead(command) : loadGateway(command)));
