import { jetstreamManager, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { StreamFollower } from '@stance/jetstream';

/** What following a stream brings to light, in the order of its sequences. */
export interface StreamObserver {
  readonly fact: (message: JsMsg) => void;
  /** Sequences that were there and are gone: a limit per subject, a TTL, a retirement or a purge came before audit. */
  readonly missing: (stream: string, first: number, last: number) => void;
  /** The stream was deleted and made anew; nothing is known of the old one from `first` on. */
  readonly madeAnew: (stream: string, first: number) => void;
}

/** A fact that was observed, by which a stream that was set back is told from the one that it was in. */
export interface FactMark {
  readonly sequence: number;
  /** In milliseconds since 1970. */
  readonly storedAt: number;
}

const CATCH_UP_LIMIT_MS = 5_000;

/**
 * One audited stream, followed from a sequence on without leaving one out. It can be paused at any message and goes on
 * with the one after it.
 */
export class AuditedStream {
  private follower: StreamFollower | undefined;
  /** Rises with every opening and closing, so that what an old follower still delivers is ignored. */
  private opening = 0;
  private closed = new AbortController();
  private head = 0;
  private created: string | undefined;
  private seenAtLastCheck = -1;
  /** The last fact up to the last check, which a look can find replaced by another. */
  private mark: FactMark | undefined;

  constructor(
    private readonly connection: NatsConnection,
    readonly name: string,
    private seen: number,
    private readonly observer: StreamObserver,
    /** The last fact that was observed, now or before. */
    private last?: FactMark,
  ) {
    this.mark = last;
  }

  /** Messages that the stream was ahead by at the last check. */
  get behind(): number {
    return Math.max(0, this.head - this.seen);
  }

  async open(): Promise<void> {
    this.close();
    this.closed = new AbortController();
    const mine = this.opening;
    const follower = await StreamFollower.start(
      this.connection,
      { stream: this.name, from: { sequence: this.seen + 1 } },
      (message) => {
        if (mine === this.opening) this.take(message);
      },
    );
    if (mine === this.opening) this.follower = follower;
    else await follower.stop();
  }

  /** From here on nothing is observed until {@link open}. */
  close(): void {
    this.opening += 1;
    this.closed.abort();
    const follower = this.follower;
    this.follower = undefined;
    // What it had asked for may still come and is ignored; a follower that fails to stop is gone already.
    follower?.stop().catch(() => undefined);
  }

  /**
   * Looks for what no message tells: a stream made anew, a follower that fell silent, and messages that are gone with none
   * after them. Rejects when the server does not answer.
   */
  async check(): Promise<void> {
    if (this.follower === undefined) return;
    const mine = this.opening;
    // What arrives while the server answers is beyond what the answer knows.
    const seen = this.seen;
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const { created, state } = await manager.streams.info(this.name);
    const isSetBack = await this.isSetBack(manager);
    if (mine !== this.opening) return;
    this.head = state.last_seq;
    if (isSetBack || seen > state.last_seq || (this.created !== undefined && this.created !== created)) {
      this.startOver();
      await this.open();
    } else if (this.seen < state.last_seq && seen === this.seenAtLastCheck) {
      await this.settle(state.last_seq);
    }
    this.created = created;
    this.seenAtLastCheck = this.seen;
    this.mark = this.last;
  }

  /** Whether the stream was restored to an earlier state and has grown again: another fact then has the place of one that was observed. */
  private async isSetBack(manager: JetStreamManager): Promise<boolean> {
    if (this.mark === undefined) return false;
    const there = await manager.streams.getMessage(this.name, { seq: this.mark.sequence });
    // The server's times are cut to milliseconds in more than one place.
    return there !== null && Math.abs(there.time.getTime() - this.mark.storedAt) > 1;
  }

  /** The stream is not the one that was recorded so far. */
  startOver(): void {
    this.observer.madeAnew(this.name, this.seen + 1);
    this.seen = 0;
    this.last = undefined;
    this.mark = undefined;
  }

  /** Reads up to the stream's last sequence once more; what does not come then does not exist. */
  private async settle(lastSequence: number): Promise<void> {
    await this.open();
    if (!(await this.caughtUp()) || this.seen >= lastSequence) return;
    this.observer.missing(this.name, this.seen + 1, lastSequence);
    this.seen = lastSequence;
  }

  /** Whether everything has arrived within the limit; not when it was paused meanwhile. The next check looks again. */
  private async caughtUp(): Promise<boolean> {
    const giveUp = AbortSignal.any([this.closed.signal, AbortSignal.timeout(CATCH_UP_LIMIT_MS)]);
    try {
      await this.follower?.caughtUp(giveUp);
      return this.follower !== undefined && !giveUp.aborted;
    } catch (error) {
      if (giveUp.aborted) return false;
      throw error;
    }
  }

  private take(message: JsMsg): void {
    if (message.seq <= this.seen) return;
    if (message.seq > this.seen + 1) this.observer.missing(this.name, this.seen + 1, message.seq - 1);
    this.seen = message.seq;
    this.last = { sequence: message.seq, storedAt: message.time.getTime() };
    this.observer.fact(message);
  }
}
