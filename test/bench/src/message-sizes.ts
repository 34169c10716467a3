import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { STREAMS } from '@stance/contracts';

/** Mean bytes of a message in each stream of the straight line. */
export interface MeanBytes {
  readonly observed: number;
  readonly matched: number;
  readonly posture: number;
  readonly decision: number;
}

/** Of the newest messages, as the stream stores them: payload alone. */
export async function meanBytes(connection: NatsConnection): Promise<MeanBytes> {
  const of = async (stream: string) => {
    const manager = await jetstreamManager(connection);
    const { last_seq } = (await manager.streams.info(stream)).state;
    const sizes: number[] = [];
    for (let sequence = last_seq; sequence > Math.max(0, last_seq - 20); sequence -= 1) {
      const message = await manager.streams.getMessage(stream, { seq: sequence });
      if (message !== null) sizes.push(message.data.byteLength);
    }
    return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
  };
  return {
    observed: await of(STREAMS.AGENTS.name),
    matched: await of(STREAMS.MATCHES.name),
    posture: await of(STREAMS.POSTURE.name),
    decision: await of(STREAMS.DECISIONS.name),
  };
}
