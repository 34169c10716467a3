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

/**
 * Reads a stream in order, without acknowledgements, first what is there, then what comes, through reconnections.
 * `onMessage` is called one message after the other and must not throw.
 */
export class StreamFollower {
  private constructor(
    private readonly connection: NatsConnection,
    private readonly consumer: Consumer,
    private readonly messages: ConsumerMessages,
    private readonly progress: { received: number },
  ) {}

  static async start(
    connection: NatsConnection,
    { stream, filter, from }: FollowOptions,
    onMessage: (message: JsMsg) => void,
  ): Promise<StreamFollower> {
    const start =
      from === 'last-per-subject'
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
    const consumer = await jetstream(connection).consumers.get(stream, {
      ...start,
      // Deliver-last-per-subject asks for a filter; one string, so that the API subject carries it (permissions).
      filter_subjects: filter ?? '>',
    });
    const progress = { received: 0 };
    const messages = await consumer.consume({
      max_messages: 1_000,
      callback: (message: JsMsg) => {
        progress.received = message.info.deliverySequence;
        onMessage(message);
      },
    });
    return new StreamFollower(connection, consumer, messages, progress);
  }

  /** Resolves once everything that the stream held at some moment after this call has been seen. */
  async caughtUp(signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      if (await this.hasEverything()) return;
      await new Promise((resolve) => setTimeout(resolve, CAUGHT_UP_POLL_MS));
    }
  }

  private async hasEverything(): Promise<boolean> {
    try {
      const { num_pending: pending, delivered } = await this.consumer.info();
      return pending === 0 && this.progress.received >= delivered.consumer_seq;
    } catch (error) {
      // No server just now, or one that does not know the consumer any more: the client makes it anew.
      if (this.connection.isClosed()) throw error;
      return false;
    }
  }

  async stop(): Promise<void> {
    await this.messages.close();
  }
}
