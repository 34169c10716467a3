import { z } from 'zod';
import { encodeToken, decodeToken, MalformedToken } from './id-token.js';
import { atLeast, atMost } from './lengths.js';
import type { ServiceName } from './services.js';
import type { StreamDefinition } from './streams.js';

/** RFC 3339 in UTC, with any number of fraction digits: sources report microseconds. */
export const timestamp = z.iso.datetime();

/** An id that fits a subject token; see {@link encodeToken}. */
export const id = z.string().check(atLeast(1), atMost(200));

/** W3C Trace Context, version 00. */
export const traceparent = z.string().regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/);

/**
 * CloudEvents 1.0 in structured JSON. The extensions carry the cause: `txn` is shared by all events that follow from one
 * observation, `observedat` is the time of that observation, `traceparent` the trace that it belongs to.
 */
export const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.string().check(atLeast(1), atMost(1024)).describe('Unique per producer; also its `Nats-Msg-Id`.'),
  type: z.string().describe("The event's name and version."),
  source: z.string().describe('`/stance/` and the service that published it.'),
  subject: z.string().describe('The plain id of what it is about: the last id of its NATS subject.'),
  time: timestamp.describe('When it was published.'),
  datacontenttype: z.literal('application/json'),
  traceparent: traceparent.optional().describe('W3C Trace Context of the cause.'),
  txn: z
    .string()
    .check(atLeast(1), atMost(256))
    .optional()
    .describe('Shared by all events that follow from one observation.'),
  observedat: timestamp.optional().describe('The time of that observation.'),
});

export type Envelope = z.infer<typeof envelope>;

/** The media type of an event on the wire. */
export const EVENT_CONTENT_TYPE = 'application/cloudevents+json';

type Shape = Record<string, z.ZodType>;

/** One event: its name, meaning, data, subject, owner and stream in one object. Everything else is derived from it. */
export interface EventContract<Data extends z.ZodType = z.ZodType, Keys extends readonly string[] = readonly string[]> {
  /** `<entity>.<past tense>`, as in `agent.observed`. */
  readonly name: string;
  /** The CloudEvents type. */
  readonly type: string;
  /** The subject up to its ids. */
  readonly subjectPrefix: string;
  /** Names of the data fields whose ids follow the prefix, one token each. */
  readonly keys: Keys;
  /** The last key is a whole subject, kept readable as tokens of its own instead of escaped into one. */
  readonly endsWithSubject?: boolean;
  readonly summary: string;
  readonly owners: readonly ServiceName[];
  /** The stream that keeps it; `null` for an event that only core NATS carries. */
  readonly stream: StreamDefinition | null;
  readonly data: Data;
}

export type DataOf<Contract extends EventContract> = z.infer<Contract['data']>;
export type EventOf<Contract extends EventContract> = Envelope & { data: DataOf<Contract> };
export type KeysOf<Contract extends EventContract> = Record<Contract['keys'][number], string>;

export function defineEvent<
  const Keys extends readonly string[],
  Fields extends Shape & Record<Keys[number], z.ZodType<string>>,
>(definition: {
  name: `${string}.${string}`;
  keys: Keys;
  /** The type on the wire, where it is another event's. */
  type?: string;
  endsWithSubject?: boolean;
  subjectPrefix?: string;
  summary: string;
  owners: readonly ServiceName[];
  stream: StreamDefinition | null;
  data: z.ZodObject<Fields>;
}): EventContract<z.ZodObject<Fields>, Keys> {
  return {
    type: `dev.stance.${definition.name}.v1`,
    subjectPrefix: `stance.${definition.name}.v1`,
    ...definition,
  };
}

/** The NATS subject of an entity's events. Throws `UnusableId` for an id that cannot be a token. */
export function subjectOf<Contract extends EventContract>(contract: Contract, keys: KeysOf<Contract>): string {
  const ids: Record<string, string> = keys;
  const last = contract.keys.length - 1;
  const tokens = contract.keys.map((key, index) => {
    const value = ids[key] ?? '';
    return contract.endsWithSubject && index === last ? value : encodeToken(value);
  });
  // One flat string: tables keep a million of these, and one put together with `+` would keep its parts as well.
  return [contract.subjectPrefix, ...tokens].join('.');
}

/** A filter over the contract's subjects; keys left out match anything. */
export function filterOf<Contract extends EventContract>(
  contract: Contract,
  keys: Partial<KeysOf<Contract>> = {},
): string {
  const ids: Record<string, string | undefined> = keys;
  const last = contract.keys.length - 1;
  const tokens = contract.keys.map((key, index) => {
    const known = ids[key];
    if (known === undefined) return '*';
    return contract.endsWithSubject && index === last ? known : encodeToken(known);
  });
  while (tokens.length > 1 && tokens.at(-1) === '*' && tokens.at(-2) === '*') tokens.pop();
  if (tokens.at(-1) === '*') tokens[tokens.length - 1] = '>';
  return [contract.subjectPrefix, ...tokens].join('.');
}

/** The ids in a subject. Throws {@link MalformedToken} when the subject is not one of the contract's. */
export function keysOf<Contract extends EventContract>(contract: Contract, subject: string): KeysOf<Contract> {
  const tokens = tokensAfter(contract, subject);
  const ids: Record<string, string> = {};
  const last = contract.keys.length - 1;
  contract.keys.forEach((key, index) => {
    ids[key] =
      contract.endsWithSubject && index === last ? tokens.slice(index).join('.') : decodeToken(tokens[index] ?? '');
  });
  return ids as KeysOf<Contract>;
}

function tokensAfter(contract: EventContract, subject: string): string[] {
  const isOfContract =
    contract.keys.length === 0 ? subject === contract.subjectPrefix : subject.startsWith(`${contract.subjectPrefix}.`);
  const tokens =
    isOfContract && contract.keys.length > 0 ? subject.slice(contract.subjectPrefix.length + 1).split('.') : [];
  const isComplete = contract.endsWithSubject
    ? tokens.length >= contract.keys.length
    : tokens.length === contract.keys.length;
  if (!isOfContract || !isComplete) {
    throw new MalformedToken(`${subject.slice(0, 120)} is not a subject of ${contract.name}`);
  }
  return tokens;
}

/** The name of a service's durable consumer: under 32 characters, as the server's file paths want it. */
export function durableOf(service: string, contract: EventContract): string {
  return `${service}_${contract.name.replace('.', '-')}`;
}

/** The plain id of the entity that an event is about: the last of its keys, or the entity's name where there is one only. */
export function entityOf(contract: EventContract, data: Readonly<Record<string, unknown>>): string {
  const key = contract.keys.at(-1);
  return key === undefined ? (contract.name.split('.')[0] ?? contract.name) : String(data[key]);
}
