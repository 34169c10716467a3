import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { BUCKETS, encodeToken } from '@stance/contracts';
import { z } from 'zod';

const checkpoint = z.object({
  /** The newest `updatedAt` that has been read and published. */
  updatedAt: z.string(),
  sweepCompletedAt: z.string().optional(),
});

/** How far a source has been read. */
export type Checkpoint = z.infer<typeof checkpoint>;

/** Thrown when another poller of the source has written: this one has been outlived. */
export class CheckpointTaken extends Error {
  override readonly name = 'CheckpointTaken';
}

const WRONG_LAST_SEQUENCE = new Set([10071, 10164]);

/** A source's checkpoint, in a key-value bucket, written by compare-and-set. */
export class CheckpointStore {
  private sequence = 0;
  private readonly subject: string;

  constructor(
    private readonly connection: NatsConnection,
    source: string,
  ) {
    this.subject = `$KV.${BUCKETS.CHECKPOINTS.name}.sentinelone-poller.${encodeToken(source)}`;
  }

  /** `undefined` before the first one, or when what is stored is unreadable: reading anew is always right. */
  async load(): Promise<Checkpoint | undefined> {
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const message = await manager.streams.getMessage(`KV_${BUCKETS.CHECKPOINTS.name}`, { last_by_subj: this.subject });
    this.sequence = message?.seq ?? 0;
    return message === null ? undefined : parse(message.string());
  }

  /** Throws {@link CheckpointTaken} when another poller has written since. */
  async save(value: Checkpoint): Promise<void> {
    try {
      const { seq } = await jetstream(this.connection).publish(this.subject, JSON.stringify(value), {
        expect: { lastSubjectSequence: this.sequence },
      });
      this.sequence = seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code)) {
        throw new CheckpointTaken('another poller of this source has moved its checkpoint', { cause: error });
      }
      throw error;
    }
  }
}

function parse(text: string): Checkpoint | undefined {
  try {
    return checkpoint.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
