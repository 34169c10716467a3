import {
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type ConsumerMessages,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { closeWhenSilent, PULLING } from './pulling.js';

export interface FollowOptions {
  readonly stream: string;
  /** A subject filter; everything in the stream by default. */
  readonly filter?: string;
  /** `last-per-subject` reads the stream as a table; a sequence reads it as a log from there on. */
  readonly from: 'last-per-subject' | { readonly sequence: number };
}

/** How often the server is asked whether everything has arrived. */
const CAUGHT_UP_POLL_MS = 10;
const REOPEN_DELAY_MS = 250;
const LOOK_TIMEOUT_MS = 1_000;
const OPEN_TIMEOUT_MS = 2_000;

/**
 * Reads a stream in order, without acknowledgements, first what is there, then what comes, through reconnections.
 * `onMessage` is called one message after the other and must not throw.
 */
export class StreamFollower {
  private manager: JetStreamManager | undefined;
  private messages: ConsumerMessages | undefined;
  private lastSequence = 0;
  private stopped = false;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly options: FollowOptions,
    private readonly onMessage: (message: JsMsg) => void,
  ) {}

  static async start(
    connection: NatsConnection,
    options: FollowOptions,
    onMessage: (message: JsMsg) => void,
  ): Promise<StreamFollower> {
    const follower = new StreamFollower(connection, options, onMessage);
    await follower.open();
    void follower.endAtReconnections();
    void follower.supervise();
    return follower;
  }

  /** Resolves once everything that the stream held at some moment after this call has been seen. */
  async caughtUp(signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      if (await this.hasEverything()) return;
      await new Promise((resolve) => setTimeout(resolve, CAUGHT_UP_POLL_MS));
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.messages?.close();
  }

  private async open(): Promise<void> {
    const { stream, filter } = this.options;
    const consumer = await jetstream(this.connection, { timeout: OPEN_TIMEOUT_MS }).consumers.get(stream, {
      ...this.startingPoint(),
      // Deliver-last-per-subject asks for a filter; one string, so that the API subject carries it (permissions).
      filter_subjects: filter ?? '>',
    });
    const messages = await consumer.consume({
      max_messages: 1_000,
      ...PULLING,
      callback: (message: JsMsg) => {
        if (this.stopped || message.seq <= this.lastSequence) return;
        this.lastSequence = message.seq;
        this.onMessage(message);
      },
    });
    void closeWhenSilent(messages);
    this.messages = messages;
  }

  private startingPoint() {
    const { from } = this.options;
    if (this.lastSequence > 0) {
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.lastSequence + 1 };
    }
    return from === 'last-per-subject'
      ? { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
  }

  /**
   * Asks the stream's leader for the last message of the filter, instead of the consumer for what it has pending: after
   * `Nats-Rollup` nats-server 2.15.1 was seen to count too few as pending, and a replica may be behind.
   */
  private async hasEverything(): Promise<boolean> {
    const { stream, filter = '>' } = this.options;
    try {
      this.manager ??= await jetstreamManager(this.connection, { checkAPI: false, timeout: LOOK_TIMEOUT_MS });
      const last = await this.manager.streams.getMessage(stream, { last_by_subj: filter });
      return last === null || this.lastSequence >= last.seq || this.isBefore(last.seq);
    } catch (error) {
      // No server just now, or a stream without a leader.
      if (this.connection.isClosed() || this.stopped) throw error;
      return false;
    }
  }

  /** Whether a message lies before what this follower was asked to read. */
  private isBefore(sequence: number): boolean {
    const { from } = this.options;
    return from !== 'last-per-subject' && sequence < from.sequence;
  }

  /**
   * What the server sent into a breaking connection is lost without a trace: the client finds out only when the next
   * message shows a gap, which may be never. So each reconnection starts a new consumer after the last message seen.
   */
  private async endAtReconnections(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (this.stopped) return;
      if (type === 'reconnect') await this.messages?.close();
    }
  }

  /** Opens a new consumer whenever the one before has ended, as by a reconnection or by its leader's silence. */
  private async supervise(): Promise<void> {
    while (!this.stopped && !this.connection.isClosed()) {
      await this.messages?.closed();
      await this.reopen();
    }
  }

  private async reopen(): Promise<void> {
    while (!this.stopped && !this.connection.isClosed()) {
      try {
        await this.open();
        if (this.stopped) await this.messages?.close();
        return;
      } catch {
        // Not yet: the stream has no leader, or the connection broke again.
        await new Promise((resolve) => setTimeout(resolve, REOPEN_DELAY_MS));
      }
    }
  }
}
