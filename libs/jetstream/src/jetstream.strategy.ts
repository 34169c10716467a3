import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { durableOf, filterOf, type EventContract, type RequestContract } from '@stance/contracts';
import { lastValueFrom } from 'rxjs';
import { ConsumeLoop, DEFAULT_CONSUME_OPTIONS, type ConsumeObserver, type Route } from './consume-loop.js';
import type { JetStreamContext } from './context.js';
import type { EventHandlerExtras, RequestHandlerExtras } from './handlers.js';
import type { EventPublisher } from './publisher.js';
import { answer, RequestFailed } from './requests.js';
import { DEFAULT_RETRY_POLICY } from './settlement.js';
import type { StreamWatch } from './stream-watch.js';

export interface JetStreamStrategyOptions {
  readonly connection: NatsConnection;
  readonly publisher: EventPublisher;
  readonly observer: ConsumeObserver;
  /** How long handlers may take to finish at shutdown. */
  readonly drainMs?: number;
  readonly ackWaitMs?: number;
  readonly handlerTimeoutMs?: number;
  /** Watches {@link JetStreamStrategy.streams} and whatever else the handlers' state was read from; ended by `close`. */
  readonly watch?: StreamWatch;
}

/** Thrown at start-up when two handlers ask for one event or request: each message is settled once. */
export class DuplicateHandler extends Error {
  override readonly name = 'DuplicateHandler';
}

/** Thrown at start-up for a handler that was not marked with `@OnEvent` or `@OnRequest`. */
export class UnknownPattern extends Error {
  override readonly name = 'UnknownPattern';
}

/**
 * Nest's handlers over JetStream: one durable pull consumer per event, requests over core NATS.
 *
 * `listen` takes the handlers in; nothing is consumed before {@link start}, so that a standby replica can be ready and
 * idle. The connection belongs to the caller and must stay open until `close` has resolved.
 */
export class JetStreamStrategy extends Server implements CustomTransportStrategy {
  // The loop awaits each handler and reports its failure; Nest must not log it a second time.
  override readonly propagatesEventHandlerErrors = true;
  private readonly loops: ConsumeLoop[] = [];
  private readonly subscriptions: Subscription[] = [];

  constructor(private readonly options: JetStreamStrategyOptions) {
    super();
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<string, unknown> = {},
  ): void {
    if (this.messageHandlers.has(this.normalizePattern(pattern as string))) {
      throw new DuplicateHandler(`two handlers for ${String(pattern)}: a message is settled once, by one handler`);
    }
    super.addHandler(pattern, callback, isEventHandler, extras);
  }

  listen(callback: (error?: unknown) => void): void {
    const unmarked = [...this.messageHandlers].find(
      ([, { extras }]) => !isEventExtras(extras) && !isRequestExtras(extras),
    );
    callback(
      unmarked && new UnknownPattern(`the handler of ${unmarked[0]} is marked with neither @OnEvent nor @OnRequest`),
    );
  }

  /** The streams whose events have a handler; complete once it listens. */
  get streams(): string[] {
    return [...this.messageHandlers.values()].flatMap(({ extras }) =>
      isEventExtras(extras) ? [streamOf(extras.event)] : [],
    );
  }

  /** The durable consumers of the service's handlers, by the event that they take. */
  get consumers(): { contract: EventContract; stream: string; durable: string }[] {
    return [...this.messageHandlers.values()].flatMap(({ extras }) => {
      if (!isEventExtras(extras)) return [];
      const contract = extras.event;
      return [{ contract, stream: streamOf(contract), durable: durableOf(this.options.publisher.service, contract) }];
    });
  }

  /** Starts to consume and to answer. Call it once, when the service is the active one and its state is loaded. */
  async start(): Promise<void> {
    for (const handler of this.messageHandlers.values()) {
      const { extras } = handler;
      if (isRequestExtras(extras)) this.subscriptions.push(this.serve(extras, handler));
      if (isEventExtras(extras)) this.loops.push(this.loopOf(extras, handler));
    }
    await Promise.all(this.loops.map((loop) => loop.start()));
  }

  async close(): Promise<void> {
    const drainMs = this.options.drainMs ?? 10_000;
    for (const subscription of this.subscriptions.splice(0)) subscription.unsubscribe();
    this.options.watch?.stop();
    await Promise.all(this.loops.splice(0).map((loop) => loop.stop(drainMs)));
  }

  on(): never {
    throw new Error('the strategy has no events of its own: watch the connection');
  }

  unwrap<T>(): T {
    return this.options.connection as T;
  }

  private loopOf({ event: contract, options }: EventHandlerExtras, handler: MessageHandler): ConsumeLoop {
    const { connection, publisher, observer, ackWaitMs, handlerTimeoutMs, watch } = this.options;
    const route: Route = {
      contract,
      filter: filterOf(contract, options.only),
      orderBy: options.orderBy,
      beginsTrace: options.beginsTrace,
      handle: (context) => this.run(handler, context),
    };
    return new ConsumeLoop(
      connection,
      publisher,
      streamOf(contract),
      durableOf(publisher.service, contract),
      route,
      {
        concurrency: options.concurrency ?? DEFAULT_CONSUME_OPTIONS.concurrency,
        ackWaitMs: ackWaitMs ?? DEFAULT_CONSUME_OPTIONS.ackWaitMs,
        handlerTimeoutMs: handlerTimeoutMs ?? DEFAULT_CONSUME_OPTIONS.handlerTimeoutMs,
        retry: { ...DEFAULT_RETRY_POLICY, ...options.retry },
      },
      observer,
      watch,
    );
  }

  /** Nest answers with an Observable; only awaiting it shows whether the handler failed (`ServerKafka` does the same). */
  private run(handler: MessageHandler, context: JetStreamContext): Promise<void> {
    // The hooks are somebody else's and need not hand the promise on: the outcome takes its own way out.
    return new Promise((resolve, reject) => {
      this.runWithProcessingHooks(context, async (end) => {
        try {
          const result: unknown = await handler(context.delivery.event, context);
          await lastValueFrom(this.transformToObservable(result), { defaultValue: undefined });
          resolve();
        } catch (error) {
          reject(error);
        } finally {
          end();
        }
      });
    });
  }

  private serve({ request }: RequestHandlerExtras, handler: MessageHandler): Subscription {
    return this.options.connection.subscribe(request.subject, {
      ...(request.heardBy !== 'every' && { queue: request.service }),
      callback: (error, message) => {
        if (error !== null) {
          this.options.observer.trouble(`the subscription of ${request.subject} failed`, error);
          return;
        }
        void this.reply(request, handler, message);
      },
    });
  }

  /** Never rejects: an answer that cannot be sent is its asker's timeout, not the end of the process. */
  private async reply(request: RequestContract, handler: MessageHandler, message: Msg): Promise<void> {
    try {
      const reply = await answer(request, message.data, async (input) => {
        try {
          const result: unknown = await handler(input);
          return await lastValueFrom(this.transformToObservable(result));
        } catch (failure) {
          this.tellFailure(request, failure);
          throw failure;
        }
      });
      // Nothing is known here of what every replica was asked: another one may answer.
      if (request.heardBy === 'every' && 'result' in reply && reply.result === undefined) return;
      message.respond(JSON.stringify(reply));
    } catch (error) {
      this.options.observer.trouble(`the answer to ${request.subject} could not be sent`, error);
    }
  }

  /** A refusal is an answer: whoever asked for a device that there is not is told so, and nothing is wrong here. */
  private tellFailure({ subject }: RequestContract, failure: unknown): void {
    if (failure instanceof RequestFailed && failure.code !== 'internal') {
      this.logger.log(`${subject} was refused (${failure.code}): ${failure.message}`);
    } else this.options.observer.trouble(`${subject} failed`, failure);
  }
}

function streamOf(contract: EventContract): string {
  if (contract.stream === null)
    throw new UnknownPattern(`${contract.name} is kept by no stream and cannot be consumed`);
  return contract.stream.name;
}

function isEventExtras(
  extras: Record<string, unknown> | undefined,
): extras is EventHandlerExtras & Record<string, unknown> {
  return extras !== undefined && 'event' in extras;
}

function isRequestExtras(
  extras: Record<string, unknown> | undefined,
): extras is RequestHandlerExtras & Record<string, unknown> {
  return extras !== undefined && 'request' in extras;
}
