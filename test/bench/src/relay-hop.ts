import { AckPolicy, jetstream, jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

/**
 * One hop of the bare relay, a process of its own: takes each message of a stream and stores as many bytes as it is told in
 * the next, with everything in flight; no parsing, no state, no rules. `copy` hops copy several streams into one.
 */
const [url = '', to = '', bytes = '0', ...from] = process.argv.slice(2);
const connection = await connect({ servers: url, name: `relay-${to}` });
const manager = await jetstreamManager(connection);
const client = jetstream(connection);
const filler = Buffer.alloc(Number(bytes), 'x');

for (const stream of from) {
  const durable = `relay-${to}`;
  await manager.consumers.add(stream, {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 2_048,
  });
  const consumer = await client.consumers.get(stream, durable);
  await consumer.consume({
    max_messages: 256,
    callback: (message: JsMsg) => {
      const key = message.subject.slice(message.subject.indexOf('.') + 1);
      const payload = filler.byteLength === 0 ? message.data : filler;
      void client.publish(`${to}.${key}`, payload).then(() => message.ack());
    },
  });
}
process.stdout.write('ready\n');
process.once('SIGTERM', () => void connection.close().then(() => process.exit(0)));
