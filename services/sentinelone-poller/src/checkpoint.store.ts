import { jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { BUCKETS, encodeToken } from '@stance/contracts';
import { isWrongLastSequence } from '@stance/jetstream';
import { z } from 'zod';
import { readCheckpoint, type Checkpoint } from './checkpoint.js';
import { Outlived } from './outlived.js';

/** Thrown when another poller of the source has written: this one has been outlived, and has to give up. */
export class CheckpointTaken extends Outlived {
  override readonly name = 'CheckpointTaken';
}

/** A server that comes back within these is no failure of the source. */
const SAVE_ATTEMPTS = 10;
const SAVE_TIMEOUT_MS = 1_000;

/** A source's checkpoint, in a key-value bucket, written by compare-and-set, one write at a time. */
export class CheckpointStore {
  private sequence = 0;
  private saving: Promise<unknown> = Promise.resolve();
  /** Writes of ours that the server did not confirm: one of them may be stored. */
  private readonly unconfirmed = new Set<string>();
  private readonly subject: string;

  constructor(
    private readonly connection: NatsConnection,
    source: string,
  ) {
    this.subject = `$KV.${BUCKETS.CHECKPOINTS.name}.sentinelone-poller.${encodeToken(source)}`;
  }

  /** `undefined` before the first one, or when what is stored is unreadable: reading anew is always right. */
  async load(): Promise<Checkpoint | undefined> {
    const message = await this.last();
    this.sequence = message?.seq ?? 0;
    return message === null ? undefined : parse(message.string());
  }

  /** Throws {@link CheckpointTaken} when another poller has written since. */
  async save(value: Checkpoint): Promise<void> {
    const saved = this.saving.then(() => this.put(JSON.stringify(value)));
    // The next one does not depend on it, its own caller hears of the failure.
    this.saving = saved.catch(() => undefined);
    await saved;
  }

  private async put(text: string, attemptsLeft = SAVE_ATTEMPTS): Promise<void> {
    try {
      const expect = { lastSubjectSequence: this.sequence };
      const { seq } = await jetstream(this.connection).publish(this.subject, text, {
        expect,
        timeout: SAVE_TIMEOUT_MS,
      });
      this.sequence = seq;
      this.unconfirmed.clear();
    } catch (error) {
      if (!isWrongLastSequence(error)) {
        this.unconfirmed.add(text);
        if (attemptsLeft <= 1 || this.connection.isClosed()) throw error;
        await this.put(text, attemptsLeft - 1);
        return;
      }
      if (!(await this.isOurs())) {
        throw new CheckpointTaken('another poller of this source has moved its checkpoint', { cause: error });
      }
      await this.put(text);
    }
  }

  /** Whether the last write is one of ours that was stored without our hearing of it, or there is none any more. */
  private async isOurs(): Promise<boolean> {
    const last = await this.last();
    if (last !== null && !this.unconfirmed.has(last.string())) return false;
    this.sequence = last?.seq ?? 0;
    return true;
  }

  private async last(): Promise<StoredMsg | null> {
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    return manager.streams.getMessage(`KV_${BUCKETS.CHECKPOINTS.name}`, { last_by_subj: this.subject });
  }
}

function parse(text: string): Checkpoint | undefined {
  try {
    return readCheckpoint(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
