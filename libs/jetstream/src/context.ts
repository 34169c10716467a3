import { BaseRpcContext } from '@nestjs/microservices';
import type { Cause, EventContract, EventOf } from '@stance/contracts';
import type { Origin } from './fact-table.js';
import { currentTraceparent } from './trace-context.js';

/** Where a delivered event stands. */
export interface Delivery<Contract extends EventContract = EventContract> {
  readonly event: EventOf<Contract>;
  readonly subject: string;
  readonly stream: string;
  /** The event as it came; only lent until the handler returns. */
  readonly payload: Uint8Array;
  readonly sequence: number;
  /** Deliveries so far, from 1. */
  readonly attempt: number;
}

/** What a handler may know about the message besides its event: `@Ctx() context: JetStreamContext`. */
export class JetStreamContext extends BaseRpcContext<[Delivery]> {
  constructor(readonly delivery: Delivery) {
    super([delivery]);
  }

  get subject(): string {
    return this.delivery.subject;
  }

  get sequence(): number {
    return this.delivery.sequence;
  }

  get attempt(): number {
    return this.delivery.attempt;
  }

  /** Of the event; its trace goes on below the span that handles it. */
  get cause(): Cause {
    const { txn, traceparent, observedat } = this.delivery.event;
    return { txn, traceparent: currentTraceparent(traceparent), observedat };
  }

  /** What a write follows from: repeatable, so that a replay after a crash asks for the same events. */
  get origin(): Origin {
    return { input: `${this.delivery.stream}:${this.delivery.sequence}`, cause: this.cause };
  }
}
