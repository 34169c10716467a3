import type { z } from 'zod';
import { entityOf, envelope, subjectOf, type DataOf, type EventContract, type EventOf, type KeysOf } from './event.js';
import type { ServiceName } from './services.js';

/** Largest event on the wire, in bytes: below nats-server's default `max_payload` of 1 MiB, above any real event. */
export const MAX_EVENT_BYTES = 768 * 1024;

/** What an event follows from; copied from cause to effect along the whole pipeline. */
export interface Cause {
  readonly txn?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly observedat?: string | undefined;
}

/** Thrown when a payload is not an event of its contract; `code` is the dead letter's. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  constructor(
    readonly code: 'malformed' | 'misaddressed' | 'oversized' | 'forbidden',
    message: string,
  ) {
    super(message);
  }
}

/** Builds an event; `id` is unique per producer and also the message id that the server deduplicates by. */
export function createEvent<Contract extends EventContract>(
  contract: Contract,
  event: { id: string; producer: ServiceName; time: Date; data: DataOf<Contract>; cause: Cause },
): EventOf<Contract> {
  const { txn, traceparent, observedat } = event.cause;
  return {
    specversion: '1.0',
    id: event.id,
    type: contract.type,
    source: `/stance/${event.producer}`,
    subject: entityOf(contract, event.data as Record<string, unknown>),
    time: event.time.toISOString(),
    datacontenttype: 'application/json',
    ...(traceparent !== undefined && { traceparent }),
    ...(txn !== undefined && { txn }),
    ...(observedat !== undefined && { observedat }),
    data: event.data,
  };
}

/** The subject that an event of this data belongs on. */
export function addressOf<Contract extends EventContract>(contract: Contract, data: DataOf<Contract>): string {
  // A contract's keys name string fields of its data (enforced where contracts are defined).
  return subjectOf(contract, data as KeysOf<Contract>);
}

/**
 * Reads an event as it came from a subject. Throws {@link UnreadableEvent} when it is too large, not a CloudEvent of this
 * contract, or when its ids do not fit the subject.
 */
export function decodeEvent<Contract extends EventContract>(
  contract: Contract,
  payload: Uint8Array,
  subject: string,
): EventOf<Contract> {
  if (payload.byteLength > MAX_EVENT_BYTES) {
    throw new UnreadableEvent('oversized', `${payload.byteLength} bytes; an event takes at most ${MAX_EVENT_BYTES}`);
  }
  const result = eventSchema(contract).safeParse(parseJson(payload));
  if (!result.success) throw new UnreadableEvent('malformed', describe(result.error));
  const event = result.data as EventOf<Contract>;
  if (event.type !== contract.type) {
    throw new UnreadableEvent('misaddressed', `its type is ${event.type}, its subject carries ${contract.type}`);
  }
  const address = addressOrProblem(contract, event.data);
  if (address !== subject) {
    throw new UnreadableEvent('misaddressed', `its data belongs on ${address}, it came on ${subject}`);
  }
  const entity = entityOf(contract, event.data as Record<string, unknown>);
  if (event.subject !== entity) {
    throw new UnreadableEvent(
      'misaddressed',
      `its subject is ${event.subject.slice(0, 200)}, its data is about ${entity}`,
    );
  }
  return event;
}

function addressOrProblem<Contract extends EventContract>(contract: Contract, data: DataOf<Contract>): string {
  try {
    return addressOf(contract, data);
  } catch (error) {
    throw new UnreadableEvent('malformed', error instanceof Error ? error.message : String(error));
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(payload));
  } catch (error) {
    throw new UnreadableEvent('malformed', `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const schemas = new WeakMap<EventContract, z.ZodType>();

/** The schema of a whole event: envelope and data. */
export function eventSchema(contract: EventContract): z.ZodType {
  let schema = schemas.get(contract);
  if (schema === undefined) {
    schema = envelope.extend({ data: contract.data });
    schemas.set(contract, schema);
  }
  return schema;
}

function describe(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.map(String).join('.') || 'event'}: ${issue.message}`)
    .join('; ');
}
