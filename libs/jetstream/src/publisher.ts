import { SpanKind } from '@opentelemetry/api';
import { JetStreamApiError } from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import {
  addressOf,
  createEvent,
  EVENT_CONTENT_TYPE,
  MAX_EVENT_BYTES,
  RETIREMENT_TTL,
  type Cause,
  type DataOf,
  type EventContract,
  type EventOf,
  type ServiceName,
} from '@stance/contracts';
import { Confirmations, NotConfirmed, type Confirmation } from './confirmations.js';
import { idsOf, publishSpan, type MessageSpan } from './message-spans.js';
import { Slots } from './slots.js';
import { currentTraceparent, inSpan, newTraceparent } from './trace-context.js';
import { isWrongLastSequence } from './wrong-last-sequence.js';

/** The subject's, or the stream's, last sequence is not the expected one: somebody else wrote. Codes 10071 (R1, R3) and 10164 (R3). */
export class ExpectationFailed extends Error {
  override readonly name = 'ExpectationFailed';
}

/** An event that no stream would take: larger than {@link MAX_EVENT_BYTES}. */
export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
}

/** The server did not confirm: the message may or may not be stored. The next attempt finds out. */
export class Unconfirmed extends Error {
  override readonly name = 'Unconfirmed';
}

const DEFAULT_TIMEOUT_MS = 5_000;

export interface PublishOptions {
  /** Unique per producer; the server drops a second one within its window. */
  readonly id: string;
  readonly cause: Cause;
  /** What else led to it, as the `traceparent`s of other causes: its span links to them. */
  readonly links?: readonly (string | undefined)[] | undefined;
  /** Store only while the subject's last sequence is this one; 0: only as its first message. */
  readonly expectedSequence?: number;
  /** Store only while the whole stream's last sequence is this one; 0: only as its first message. */
  readonly expectedLastSequence?: number;
  /**
   * Store only while the stream's last message has this id. A sequence alone does not fence messages in flight together:
   * where the first is refused because somebody else wrote one, the sequence is right for the second. Only for streams of
   * one replica: nats-server 2.15.1 stores nothing more in a replicated one after it refused an id (tried).
   */
  readonly expectedLastId?: string;
  /**
   * Whether the server may drop it as a second one of its id; default true. Off where an expectation alone stores it once:
   * then nobody can keep it from being stored by using its id first.
   */
  readonly deduplicate?: boolean;
  /** How long the message lives, as in `3s`; for ever by default. */
  readonly ttl?: string;
  /** The subject's last message: removes the older ones and itself after the retirement time. */
  readonly retires?: boolean;
  /** Deliver at this time, on `target`, instead of at once. */
  readonly schedule?: { at: Date; target: string; ttl: string };
}

export interface Published<Contract extends EventContract> {
  readonly event: EventOf<Contract>;
  /** The event as it went out. */
  readonly payload: Uint8Array;
  readonly subject: string;
  readonly sequence: number;
  /** The server had an event of this id already and kept that one. */
  readonly duplicate: boolean;
}

/**
 * Publishes events of the contracts. Many publishes may be in flight at once; `await` each where order matters.
 */
export class EventPublisher {
  private readonly confirmations: Confirmations;
  private readonly slots: Slots;
  private readonly spans = new Map<EventContract, MessageSpan>();

  constructor(
    private readonly connection: NatsConnection,
    readonly service: ServiceName,
    /** `maxInFlight`: unconfirmed publishes, beyond which callers wait. `timeoutMs`: how long a confirmation may take. */
    private readonly options: { maxInFlight?: number; timeoutMs?: number; now?: () => Date } = {},
  ) {
    this.confirmations = new Confirmations(connection, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    this.slots = new Slots(options.maxInFlight ?? 1024);
  }

  /**
   * Stores an event in its stream and resolves to what was stored. Throws {@link ExpectationFailed},
   * {@link Unconfirmed}, {@link EventTooLarge} or `UnusableId`.
   */
  async publish<Contract extends EventContract>(
    contract: Contract,
    data: DataOf<Contract>,
    options: PublishOptions,
  ): Promise<Published<Contract>> {
    const { name, attributes } = this.spanOf(contract);
    const { traceparent, ...rest } = options.cause;
    return inSpan(name, { kind: SpanKind.PRODUCER, traceparent, links: options.links, attributes }, async (span) => {
      // What nothing caused begins a trace, also where OpenTelemetry is off.
      const cause = { ...rest, traceparent: currentTraceparent(traceparent) ?? newTraceparent() };
      const event = this.eventOf(contract, data, options.id, cause);
      const payload = encode(event);
      const subject = addressOf(contract, data);
      if (span.isRecording()) {
        span.setAttributes({ 'messaging.destination.name': subject, 'messaging.message.id': options.id });
        span.setAttributes({ 'messaging.message.body.size': payload.byteLength, ...idsOf(contract, data) });
      }
      const ack = await this.slots.run(() => this.store(subject, payload, { ...options, cause }));
      span.setAttribute('stance.sequence', ack.seq);
      return { event, payload, subject, sequence: ack.seq, duplicate: ack.duplicate };
    });
  }

  /** Sends an event that no stream keeps. */
  announce<Contract extends EventContract>(contract: Contract, data: DataOf<Contract>, id: string): void {
    this.connection.publish(addressOf(contract, data), encode(this.eventOf(contract, data, id, {})), {
      headers: headersOf({ id, cause: {} }),
    });
  }

  private spanOf(contract: EventContract): MessageSpan {
    const known = this.spans.get(contract);
    if (known !== undefined) return known;
    const span = publishSpan(contract, this.service);
    this.spans.set(contract, span);
    return span;
  }

  private eventOf<Contract extends EventContract>(
    contract: Contract,
    data: DataOf<Contract>,
    id: string,
    cause: Cause,
  ) {
    const time = this.options.now?.() ?? new Date();
    return createEvent(contract, { id, producer: this.service, time, data, cause });
  }

  /** Gives up what is still unconfirmed and publishes no more. */
  close(): void {
    this.confirmations.close();
  }

  private async store(subject: string, payload: Uint8Array, options: PublishOptions): Promise<Confirmation> {
    try {
      return await this.confirmations.publish(subject, payload, headersOf(options));
    } catch (error) {
      throw readable(error, subject);
    }
  }
}

function encode(event: EventOf<EventContract>): Uint8Array {
  const payload = Buffer.from(JSON.stringify(event));
  if (payload.byteLength > MAX_EVENT_BYTES) {
    throw new EventTooLarge(`${event.type}: ${payload.byteLength} bytes; an event takes at most ${MAX_EVENT_BYTES}`);
  }
  return payload;
}

/** Header names are those that nats-server documents; their case matters to it. */
function headersOf(options: Omit<PublishOptions, 'cause'> & { cause: Cause }): MsgHdrs {
  const { id, cause, retires, schedule, expectedSequence, expectedLastSequence, expectedLastId } = options;
  const ttl = options.ttl ?? (retires ? RETIREMENT_TTL : undefined);
  const all = headers();
  if (options.deduplicate !== false) all.set('Nats-Msg-Id', id);
  all.set('Content-Type', EVENT_CONTENT_TYPE);
  if (cause.traceparent !== undefined) all.set('traceparent', cause.traceparent);
  if (expectedSequence !== undefined) all.set('Nats-Expected-Last-Subject-Sequence', String(expectedSequence));
  if (expectedLastSequence !== undefined) all.set('Nats-Expected-Last-Sequence', String(expectedLastSequence));
  if (expectedLastId !== undefined) all.set('Nats-Expected-Last-Msg-Id', expectedLastId);
  if (ttl !== undefined) all.set('Nats-TTL', ttl);
  if (retires) all.set('Nats-Rollup', 'sub');
  if (schedule !== undefined) {
    all.set('Nats-Schedule', `@at ${schedule.at.toISOString()}`);
    all.set('Nats-Schedule-Target', schedule.target);
    all.set('Nats-Schedule-TTL', schedule.ttl);
  }
  return all;
}

function readable(error: unknown, subject: string): unknown {
  if (error instanceof JetStreamApiError) {
    return isWrongLastSequence(error) ? new ExpectationFailed(`${subject}: ${error.message}`) : error;
  }
  if (error instanceof NotConfirmed) return new Unconfirmed(`${subject}: ${error.message}`, { cause: error });
  return error;
}
