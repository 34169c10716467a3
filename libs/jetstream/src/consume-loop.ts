import { SpanKind, type Span } from '@opentelemetry/api';
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  JetStreamApiCodes,
  JetStreamApiError,
  type ConsumerConfig,
  type ConsumerMessages,
  type JsMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { keysOf, UnreadableEvent, type EventContract, type EventOf } from '@stance/contracts';
import { JetStreamContext, type Delivery } from './context.js';
import { publishDeadLetter, traceparentIn, type Death } from './dead-letters.js';
import { KeyedScheduler } from './keyed-scheduler.js';
import { idsOf, processSpan, type MessageSpan } from './message-spans.js';
import { Outbox } from './outbox.js';
import type { EventPublisher } from './publisher.js';
import { closeWhenSilent, endPulling, PULLING } from './pulling.js';
import {
  isOutage,
  RetryLater,
  settle,
  Unprocessable,
  type Outcome,
  type RetryPolicy,
  type Settlement,
} from './settlement.js';
import { decodeStored } from './stored-event.js';
import type { StreamWatch } from './stream-watch.js';
import { inSpan, markFailed } from './trace-context.js';
import { within } from './within.js';

export interface ConsumeOptions {
  /** Keys handled at the same time. */
  readonly concurrency: number;
  /** Until then the server waits for a settlement before it delivers again; kept short, extended while work goes on. */
  readonly ackWaitMs: number;
  /** A handler that takes longer counts as failed. */
  readonly handlerTimeoutMs: number;
  readonly retry: RetryPolicy;
}

export const DEFAULT_CONSUME_OPTIONS: Omit<ConsumeOptions, 'retry'> = {
  concurrency: 64,
  ackWaitMs: 5_000,
  handlerTimeoutMs: 30_000,
};

export interface Route {
  readonly contract: EventContract;
  readonly filter: string;
  /** The key field that orders messages; the whole subject by default. */
  readonly orderBy?: string | undefined;
  /** Handled in a trace of its own that links to the event's, as for what was set long before. */
  readonly beginsTrace?: boolean | undefined;
  readonly handle: (context: JetStreamContext) => Promise<void>;
}

/** What happens to messages, for logs and metrics. */
export interface ConsumeObserver {
  readonly settled: (contract: EventContract, message: JsMsg, settlement: Settlement, error: unknown) => void;
  readonly trouble: (message: string, error?: unknown) => void;
}

/** Messages fetched ahead: together with handler times this stays far under the ack wait. */
const PREFETCH = 256;
/** Unsettled messages that the server allows: the bound on what waits behind keys that await a retry. */
const MAX_ACK_PENDING = 2_048;
/** Held messages above which the waiting ones of a blocked key go back to the server. */
const MAX_HELD = MAX_ACK_PENDING / 2;
/** Long enough that a message given back a few times outlasts the retries of the one that blocks its key. */
const CROWDED_OUT_DELAY_MS = 15_000;
/**
 * Deliveries, per attempt, after which a message is dead without another: deliveries that another process did not settle
 * may have been attempts that killed it, or nothing of the message's own.
 */
const DELIVERIES_PER_ATTEMPT = 3;
const STOPPING_NAK_MS = 100;
/** Far below any ack wait. */
const ACK_DELAY_MS = 5;
const RECREATE_DELAY_MS = 500;
const OPEN_TIMEOUT_MS = 2_000;
/** At shutdown: how long the server may take to confirm that it got everything. */
const FLUSH_MS = 1_000;

/**
 * One durable consumer of one stream: fetches, orders by key, runs handlers, settles each message once. Heals by itself
 * when the consumer is deleted or the server goes away.
 */
export class ConsumeLoop {
  private readonly scheduler: KeyedScheduler<JsMsg>;
  private messages: ConsumerMessages | undefined;
  private keepAlive: NodeJS.Timeout | undefined;
  private stopping = false;
  /** An acknowledgement has time, and must not compete with what the handler has just sent on. */
  private readonly acknowledgements = new Outbox({ delayMs: ACK_DELAY_MS });
  private supervision: Promise<void> = Promise.resolve();
  /** Messages whose dead letter could not be stored yet: they come again to be buried, not to be handled. */
  private readonly unburied = new Map<number, Death>();
  /** Deliveries of a message, by its sequence, that were no attempts. */
  private readonly excused = new Map<number, number>();
  private readonly span: MessageSpan;

  constructor(
    private readonly connection: NatsConnection,
    private readonly publisher: EventPublisher,
    private readonly stream: string,
    private readonly durable: string,
    private readonly route: Route,
    private readonly options: ConsumeOptions,
    private readonly observer: ConsumeObserver,
    /** Says whether the stream is still the one that the service's state was read from. */
    private readonly watch?: StreamWatch,
  ) {
    this.span = processSpan(route.contract, publisher.service, stream, durable);
    this.scheduler = new KeyedScheduler((message, key) => this.guarded(() => this.process(message, key)), {
      concurrency: options.concurrency,
    });
  }

  async start(): Promise<void> {
    await this.forgetOutlived();
    const messages = await this.open();
    // Stopped while it was being opened: left open, it would take messages away from whoever handles them next.
    if (this.stopping) {
      await endPulling(messages);
      return;
    }
    this.messages = messages;
    this.keepAlive = setInterval(() => void this.guarded(() => this.extendHeld()), this.options.ackWaitMs / 2);
    this.supervision = this.supervise();
    void this.endAtReconnections();
  }

  /**
   * Stops fetching, gives back what never started or was still on its way, and waits for running handlers to settle, at most `deadlineMs`. The
   * connection must stay open until this resolves: drained first, acknowledgements are lost.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.stopping = true;
    const { notStarted, idle } = this.scheduler.stop();
    if (this.messages !== undefined) await endPulling(this.messages);
    for (const message of notStarted) await this.guarded(() => message.nak());
    await within(deadlineMs, idle);
    clearInterval(this.keepAlive);
    await this.supervision;
    this.acknowledgements.flush();
    // Settlements are sent without waiting: they have left this process before the caller may close the connection.
    await this.guarded(() => within(FLUSH_MS, this.connection.flush()));
  }

  /**
   * A consumer older than one of the service's streams has acknowledged what had its effect on a stream that is gone: it
   * starts over, so that everything is handled again.
   */
  private async forgetOutlived(): Promise<void> {
    if (this.watch === undefined) return;
    const { consumers } = await jetstreamManager(this.connection);
    try {
      const { created } = await consumers.info(this.stream, this.durable);
      if (Date.parse(created) >= this.watch.since.getTime()) return;
      await consumers.delete(this.stream, this.durable);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return;
      throw error;
    }
    this.observer.trouble(`consumer ${this.durable} is older than the service's streams: all is handled again`);
  }

  private async open(): Promise<ConsumerMessages> {
    const options = { checkAPI: false, timeout: OPEN_TIMEOUT_MS };
    const manager = await jetstreamManager(this.connection, options);
    const config = consumerConfig(this.durable, this.route.filter, this.options.ackWaitMs);
    await createOrUpdate(manager.consumers, this.stream, config);
    const consumer = await jetstream(this.connection, options).consumers.get(this.stream, this.durable);
    const messages = await consumer.consume({
      max_messages: PREFETCH,
      ...PULLING,
      abort_on_missing_resource: true,
      callback: (message: JsMsg) => this.accept(message),
    });
    void closeWhenSilent(messages);
    return messages;
  }

  /** The server that is connected to now knows of no request for messages; the client would look first whether it may ask again. */
  private async endAtReconnections(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (this.stopping) return;
      if (type === 'reconnect') await this.messages?.close();
    }
  }

  /** Opens the consumer anew whenever it ends without having been asked to. */
  private async supervise(): Promise<void> {
    while (!this.stopping) {
      const ended = await this.messages?.closed();
      if (this.stopping || this.connection.isClosed()) return;
      this.observer.trouble(`consumer ${this.durable} of ${this.stream} ended, opening it again`, ended ?? undefined);
      this.watch?.doubt(this.stream);
      if (!(await this.isSameStream())) return;
      await this.reopen();
    }
  }

  /** Of another stream than the one that the state was read from, no message may be handled, nor even be fetched. */
  private isSameStream(): Promise<boolean> | true {
    return this.watch?.isSame(this.stream) ?? true;
  }

  private async reopen(): Promise<void> {
    while (!this.stopping && !this.connection.isClosed()) {
      try {
        const messages = await this.open();
        if (this.stopping) await endPulling(messages);
        else this.messages = messages;
        return;
      } catch (error) {
        this.observer.trouble(`cannot open consumer ${this.durable} of ${this.stream} yet`, error);
        await new Promise((resolve) => setTimeout(resolve, RECREATE_DELAY_MS));
      }
    }
  }

  /** This delivery was no attempt: the message had no chance. */
  private excuse(message: JsMsg): void {
    this.excused.set(message.seq, (this.excused.get(message.seq) ?? 0) + 1);
  }

  private accept(message: JsMsg): void {
    if (this.stopping) {
      void this.guarded(() => message.nak(STOPPING_NAK_MS));
      return;
    }
    const key = orderKey(this.route, message.subject);
    // One blocked key must not use up what the server allows to be unsettled: its later messages wait at the server.
    if (this.scheduler.held >= MAX_HELD && this.scheduler.isBlocked(key)) {
      this.excuse(message);
      this.giveBack(message, key, CROWDED_OUT_DELAY_MS);
    } else this.scheduler.add(key, message.seq, message);
  }

  private async process(message: JsMsg, key: string): Promise<void> {
    const same = this.isSameStream();
    if (same !== true && !(await same)) {
      message.nak(STOPPING_NAK_MS);
      return;
    }
    const attempt = message.info.deliveryCount - (this.excused.get(message.seq) ?? 0);
    const fate = this.unburied.get(message.seq) ?? this.exhausted(attempt);
    // Not even read before that is known: a message that kills its process would otherwise kill every next one too.
    const reading: Reading = fate === undefined ? this.read(message) : { fate };
    await this.inSpanOf(message, reading, attempt, async (span) => {
      const { settlement, error } = await this.handle(message, key, reading, attempt);
      if (error !== undefined) markFailed(span, error);
      // A dead letter that could not be stored yet is no settlement: it is tried again without counting.
      span.setAttribute('stance.settlement', settlement?.action ?? 'retry');
      if (settlement?.action === 'retry') span.setAttribute('stance.retry.delay_ms', settlement.delayMs);
      if (settlement !== undefined) this.observer.settled(this.route.contract, message, settlement, error);
    });
  }

  private exhausted(attempt: number): Death | undefined {
    if (attempt <= this.options.retry.maxAttempts * DELIVERIES_PER_ATTEMPT) return undefined;
    return { code: 'exhausted', message: `delivered ${attempt} times and never settled`, attempts: attempt };
  }

  private read(message: JsMsg): Reading {
    try {
      return { event: readEvent(message, this.route.contract) };
    } catch (error) {
      return { error };
    }
  }

  /** Every attempt is a span below the one that published the message; how it was settled shows in it. */
  private inSpanOf(
    message: JsMsg,
    reading: Reading,
    attempt: number,
    work: (span: Span) => Promise<void>,
  ): Promise<void> {
    const { beginsTrace = false, contract } = this.route;
    const cause = 'event' in reading ? reading.event.traceparent : traceparentIn(message.headers);
    const { name, attributes } = this.span;
    const place = beginsTrace ? { root: true, links: [cause] } : {};
    return inSpan(name, { kind: SpanKind.CONSUMER, traceparent: cause, attributes, ...place }, async (span) => {
      if (span.isRecording()) {
        span.setAttributes({
          'messaging.destination.name': message.subject,
          'messaging.message.body.size': message.data.byteLength,
          'stance.sequence': message.seq,
          'stance.attempt': attempt,
          ...('event' in reading && {
            'messaging.message.id': reading.event.id,
            ...idsOf(contract, reading.event.data),
          }),
        });
      }
      await work(span);
    });
  }

  /** Handles and settles a message; resolves to how it was settled, and because of what. */
  private async handle(message: JsMsg, key: string, reading: Reading, attempt: number): Promise<Settled> {
    if ('fate' in reading) return this.bury(message, key, reading.fate, new Error(reading.fate.message));
    const outcome = await this.run(message, reading, attempt);
    const settlement = settle(outcome, attempt, this.options.retry);
    const error = outcome.ok ? undefined : outcome.error;
    switch (settlement.action) {
      case 'ack':
        this.excused.delete(message.seq);
        this.acknowledgements.add(() => void this.guarded(() => message.ack()));
        break;
      case 'retry':
        if (isOutage(error)) this.excuse(message);
        this.giveBack(message, key, settlement.delayMs);
        break;
      case 'dead-letter':
        return this.bury(message, key, { ...settlement, attempts: attempt }, error);
    }
    return { settlement, error };
  }

  private async run(message: JsMsg, reading: Exclude<Reading, { fate: Death }>, attempt: number): Promise<Outcome> {
    if ('error' in reading) return { ok: false, error: reading.error };
    const delivery: Delivery = {
      event: reading.event,
      subject: message.subject,
      stream: this.stream,
      payload: message.data,
      sequence: message.seq,
      attempt,
    };
    try {
      await withDeadline(this.route.handle(new JetStreamContext(delivery)), this.options.handlerTimeoutMs);
      return { ok: true };
    } catch (error) {
      return { ok: false, error };
    }
  }

  private giveBack(message: JsMsg, key: string, delayMs: number): void {
    message.nak(delayMs);
    // The server may have dropped the message meanwhile (a limit per subject): its key does not wait for ever.
    this.scheduler.awaitReturn(key, message.seq, delayMs + 2 * this.options.ackWaitMs);
  }

  /** Dead-letters, then terminates: in this order, so that a crash between the two loses nothing. */
  private async bury(message: JsMsg, key: string, death: Death, cause?: unknown): Promise<Settled> {
    const { code, message: reason } = death;
    try {
      await publishDeadLetter(this.publisher, message, death);
    } catch (error) {
      this.unburied.set(message.seq, death);
      this.observer.trouble(`cannot store the dead letter of ${message.subject}, trying again`, error);
      this.giveBack(message, key, this.options.ackWaitMs);
      return { settlement: undefined, error };
    }
    this.unburied.delete(message.seq);
    message.term(code);
    return { settlement: { action: 'dead-letter', code, message: reason }, error: cause };
  }

  private extendHeld(): void {
    if (this.connection.isClosed()) return;
    for (const message of this.scheduler.items()) message.working();
  }

  /** A settlement that cannot be sent (the connection is closed) ends neither the loop nor the process: it comes again. */
  private async guarded(step: () => void | Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.observer.trouble(`consumer ${this.durable} of ${this.stream} could not settle a message`, error);
    }
  }
}

/** What a message holds, why that cannot be read, or why it is not read any more. */
type Reading = { readonly event: EventOf<EventContract> } | { readonly error: unknown } | { readonly fate: Death };

/** How a message was settled, and because of what; without a settlement where its dead letter could not be stored. */
interface Settled {
  readonly settlement: Settlement | undefined;
  readonly error: unknown;
}

function orderKey({ contract, orderBy }: Route, subject: string): string {
  if (orderBy === undefined) return subject;
  try {
    const keys: Record<string, string> = keysOf(contract, subject);
    return keys[orderBy] ?? subject;
  } catch {
    // Not a subject of the contract: reading the event says so, and the message is dead-lettered.
    return subject;
  }
}

function readEvent<Contract extends EventContract>(message: JsMsg, contract: Contract) {
  try {
    return decodeStored(contract, message);
  } catch (error) {
    if (error instanceof UnreadableEvent) throw new Unprocessable(error.message, error.code);
    throw error;
  }
}

async function withDeadline(work: Promise<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new RetryLater(`the handler took longer than ${deadlineMs} ms`)), deadlineMs);
    // A handler that hangs at shutdown must not keep the process alive.
    timer.unref();
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function consumerConfig(durable: string, filter: string, ackWaitMs: number): Partial<ConsumerConfig> {
  return {
    durable_name: durable,
    description: `what ${durable} has yet to handle`,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ackWaitMs * 1_000_000,
    // The attempt limit is kept on the handler's side: past the server's, a message would be stranded.
    max_deliver: -1,
    max_ack_pending: MAX_ACK_PENDING,
    // One string, not a list: the client then uses the filtered API subject, which permissions can speak of.
    filter_subject: filter,
  };
}

async function createOrUpdate(
  consumers: Awaited<ReturnType<typeof jetstreamManager>>['consumers'],
  stream: string,
  config: Partial<ConsumerConfig>,
): Promise<void> {
  try {
    await consumers.add(stream, config);
  } catch (error) {
    // 10148, 10013: it exists with another configuration.
    if (!(error instanceof JetStreamApiError) || ![10148, 10013].includes(error.code)) throw error;
    await consumers.update(stream, config.durable_name ?? '', config);
  }
}
