import { EventPattern, MessagePattern } from '@nestjs/microservices';
import type { EventContract, KeysOf, RequestContract } from '@stance/contracts';
import type { RetryPolicy } from './settlement.js';

/** How a handler's messages are consumed. */
export interface OnEventOptions<Contract extends EventContract> {
  /** The key whose messages are handled in order; all keys together by default. */
  readonly orderBy?: Contract['keys'][number];
  /** Narrows the subjects, such as to one gateway. */
  readonly only?: Partial<KeysOf<Contract>>;
  readonly concurrency?: number;
  /** Handles them in traces of their own that link to the event's: for what was set long before it is due. */
  readonly beginsTrace?: boolean;
  readonly retry?: Partial<RetryPolicy>;
}

/** What the strategy finds at a handler. */
export interface EventHandlerExtras {
  readonly event: EventContract;
  readonly options: OnEventOptions<EventContract>;
}

export interface RequestHandlerExtras {
  readonly request: RequestContract;
}

/**
 * Marks a controller's method as the handler of an event: `handle(@Payload() event, @Ctx() context)`. It returns when its
 * work is stored. A thrown `RetryLater` or any other error is tried again, `Unprocessable` is dead-lettered.
 */
export function OnEvent<Contract extends EventContract>(
  contract: Contract,
  options: OnEventOptions<Contract> = {},
): MethodDecorator {
  // As `unknown`, or Nest takes it for a key of a type map.
  const pattern: unknown = contract.name;
  return EventPattern(pattern, { event: contract, options });
}

/**
 * Marks a controller's method as the answer to a request: `answer(@Payload() input)` returns the output; of a request that
 * every replica hears, `undefined` to stay silent.
 */
export function OnRequest(contract: RequestContract): MethodDecorator {
  return MessagePattern(contract.subject, { request: contract });
}
