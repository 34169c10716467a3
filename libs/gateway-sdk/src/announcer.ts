import { jetstream, JetStreamApiCodes, JetStreamApiError, type JetStreamClient } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import {
  addressOf,
  createEvent,
  EVENT_CONTENT_TYPE,
  type Cause,
  type DataOf,
  type EventContract,
} from '@stance/contracts';
import { beginPublishing } from './enforcement-span.js';
import type { Link } from './link.js';
import { pause } from './pause.js';

export interface Announcement<Contract extends EventContract> {
  readonly contract: Contract;
  readonly data: DataOf<Contract>;
  /** Unique for ever: the subject takes one message only, so that repeats store nothing. */
  readonly id: string;
  readonly cause: Cause;
  /** How long the message lives, in seconds; as long as the stream keeps it where nothing is said. */
  readonly ttlSeconds?: number;
  /** Before the first try, in milliseconds; default 0. */
  readonly delayMs?: number;
}

const MAX_IN_FLIGHT = 256;
const CONFIRMATION_MS = 5_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/**
 * Publishes each event until the server confirms it: through outages of any length, at most {@link MAX_IN_FLIGHT} at a
 * time, nothing while the link is down. A second copy on the same subject is refused by the server and counts as confirmed.
 */
export class Announcer {
  private readonly client: JetStreamClient;
  private readonly stopping = new AbortController();
  private readonly queue: (() => void)[] = [];
  private inFlight = 0;

  constructor(
    private readonly link: Link,
    private readonly options: {
      readonly now: () => number;
      readonly onTrouble: (message: string, error: unknown) => void;
    },
  ) {
    this.client = jetstream(link.connection, { checkAPI: false });
  }

  /** Resolves to whether it is stored: false only when the announcer was stopped before. Throws `UnusableId` at once. */
  announce<Contract extends EventContract>(announcement: Announcement<Contract>): Promise<boolean> {
    const { contract, data, id, cause, delayMs = 0 } = announcement;
    const subject = addressOf(contract, data);
    const time = new Date(this.options.now());
    const { traceparent, ended } = beginPublishing(contract, id, cause.traceparent);
    const own = { ...announcement, cause: { ...cause, traceparent } };
    const payload = JSON.stringify(createEvent(contract, { id, producer: 'gateway', time, data, cause: own.cause }));
    const store = () => this.inTurn(() => this.untilStored(subject, payload, own));
    return ended(delayMs === 0 ? store() : pause(delayMs, this.stopping.signal).then(store));
  }

  /** Gives up on what is not confirmed yet. */
  stop(): void {
    this.stopping.abort();
  }

  private async untilStored(
    subject: string,
    payload: string,
    announcement: Announcement<EventContract>,
  ): Promise<boolean> {
    const { signal } = this.stopping;
    for (let delay = FIRST_RETRY_MS; !signal.aborted; delay = Math.min(delay * 2, MAX_RETRY_MS)) {
      await this.link.whenConnected(signal);
      if (signal.aborted) return false;
      try {
        await this.store(subject, payload, announcement);
        return true;
      } catch (error) {
        if (isStoredAlready(error)) return true;
        if (!signal.aborted) this.options.onTrouble(`${subject} is not confirmed, trying again`, error);
      }
      await pause(delay, signal);
    }
    return false;
  }

  private async store(
    subject: string,
    payload: string,
    { id, cause, ttlSeconds }: Announcement<EventContract>,
  ): Promise<void> {
    const all = headers();
    all.set('Nats-Msg-Id', id);
    all.set('Content-Type', EVENT_CONTENT_TYPE);
    if (cause.traceparent !== undefined) all.set('traceparent', cause.traceparent);
    await this.client.publish(subject, payload, {
      headers: all,
      timeout: CONFIRMATION_MS,
      ...(ttlSeconds !== undefined && { ttl: `${ttlSeconds}s` }),
      expect: { lastSubjectSequence: 0 },
    });
  }

  private async inTurn(work: () => Promise<boolean>): Promise<boolean> {
    if (this.inFlight >= MAX_IN_FLIGHT) await new Promise<void>((resolve) => this.queue.push(resolve));
    else this.inFlight += 1;
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next === undefined) this.inFlight -= 1;
      else next();
    }
  }
}

function isStoredAlready(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  return (
    error.code === JetStreamApiCodes.StreamWrongLastSequence ||
    error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown
  );
}
