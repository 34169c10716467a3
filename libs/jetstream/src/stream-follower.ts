import { DeliverPolicy, jetstream, type Consumer, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

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

/**
 * Reads a stream in order, without acknowledgements, first what is there, then what comes, through reconnections.
 * `onMessage` is called one message after the other and must not throw.
 */
export class StreamFollower {
  private consumer: Consumer | undefined;
  private messages: ConsumerMessages | undefined;
  private received = 0;
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
    void follower.reopenAfterReconnections();
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
    const consumer = await jetstream(this.connection).consumers.get(stream, {
      ...this.startingPoint(),
      // Deliver-last-per-subject asks for a filter; one string, so that the API subject carries it (permissions).
      filter_subjects: filter ?? '>',
    });
    this.received = 0;
    this.messages = await consumer.consume({
      max_messages: 1_000,
      callback: (message: JsMsg) => {
        if (this.stopped || message.seq <= this.lastSequence) return;
        this.received = message.info.deliverySequence;
        this.lastSequence = message.seq;
        this.onMessage(message);
      },
    });
    this.consumer = consumer;
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

  private async hasEverything(): Promise<boolean> {
    const consumer = this.consumer;
    try {
      const info = await consumer?.info();
      if (info === undefined || consumer !== this.consumer) return false;
      return info.num_pending === 0 && this.received >= info.delivered.consumer_seq;
    } catch (error) {
      // No server just now, or one that does not know the consumer any more: it is made anew.
      if (this.connection.isClosed() || this.stopped) throw error;
      return false;
    }
  }

  /**
   * What the server sent into a breaking connection is lost without a trace: the client finds out only when the next
   * message shows a gap, which may be never. So each reconnection starts a new consumer after the last message seen.
   */
  private async reopenAfterReconnections(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (this.stopped) return;
      if (type === 'reconnect') await this.reopen();
    }
  }

  private async reopen(): Promise<void> {
    this.consumer = undefined;
    await this.messages?.close();
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
