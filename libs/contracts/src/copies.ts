import { filterOf, type EventContract } from './event.js';
import { DecisionChanged } from './events/decision.js';
import { SessionRevoked } from './events/session.js';
import { encodeToken } from './id-token.js';
import { wireStreamConfig, type WireStreamConfig } from './stream-config.js';
import { STREAMS } from './streams.js';

/** Streams of which every gateway has a copy of what is meant for it, in an account of its own. */
export const COPIED_STREAMS = [STREAMS.DECISIONS, STREAMS.SESSIONS, STREAMS.REVOCATIONS] as const;
export type CopiedStream = (typeof COPIED_STREAMS)[number];

/** Where the API of JetStream in a gateway's account begins, for who sets the copies up from the account of Stance. */
export function setupPrefixOf(gateway: string): string {
  return `stance.setup.gateway.${encodeToken(gateway)}`;
}

/** The same for the account of audit, as far as the trail is made from outside of it. */
export const AUDIT_SETUP_PREFIX = 'stance.setup.audit';

/**
 * The same for who looks into the trail, as far as it is read: as if it were of a domain, which clients can be told. Under the
 * usual prefix a server answers that an account without JetStream has none.
 */
export const AUDIT_API_PREFIX = '$JS.AUDIT.API';

/** Where a copy comes from. */
export interface CopyOrigin {
  /** The durable push consumer in the account of Stance that feeds the copy, and feeds nothing else. */
  readonly consumer: string;
  readonly filter: string;
  /** What it delivers on: exported to the gateway's account alone. */
  readonly deliverSubject: string;
  /** Where the API of the account of Stance begins in the gateway's account. */
  readonly apiPrefix: string;
}

/** In the metadata of a copy: when the stream that it copies was created. A stream made anew is no longer what it copies. */
export const COPY_OF = 'stance-copy-of';

/**
 * A gateway's copy of a stream: a mirror under the same name, so that sequences are those of the original, and who reads it
 * need not know that it is one. Only the last message of each subject: what a rollup removes in the original is not
 * removed in a mirror.
 */
export function copyOf(
  stream: CopiedStream,
  gateway: string,
): { readonly origin: CopyOrigin; readonly config: WireCopyConfig } {
  const name = encodeToken(gateway);
  const origin = {
    consumer: `gateway-${name}`,
    filter: FILTERS[stream.name](gateway),
    deliverSubject: `stance.copy.${name}.${stream.name}`,
    apiPrefix: '$JS.STANCE.API',
  };
  const { subjects: _none, ...original } = wireStreamConfig(stream);
  return {
    origin,
    config: {
      ...original,
      description: `Copy for gateway ${gateway}: ${stream.summary}`,
      discard: 'old',
      max_msgs_per_subject: 1,
      duplicate_window: 0,
      allow_rollup_hdrs: false,
      mirror: {
        name: stream.name,
        external: { api: origin.apiPrefix, deliver: '' },
        consumer: { name: origin.consumer, deliver_subject: origin.deliverSubject },
      },
    },
  };
}

/** A mirror's configuration in JetStream's own field names. */
export interface WireCopyConfig extends Omit<WireStreamConfig, 'subjects'> {
  readonly mirror: {
    readonly name: string;
    readonly external: { readonly api: string; readonly deliver: string };
    readonly consumer: { readonly name: string; readonly deliver_subject: string };
  };
}

/** The consumer behind a copy (nats-server 2.14: `flow_control` acknowledges by answering flow control messages). */
export function wireCopyConsumer({ consumer, filter, deliverSubject }: CopyOrigin) {
  return {
    name: consumer,
    durable_name: consumer,
    filter_subject: filter,
    deliver_subject: deliverSubject,
    deliver_policy: 'all',
    ack_policy: 'flow_control',
    flow_control: true,
    // The server takes no other: sources count as stalled by it.
    idle_heartbeat: 1_000_000_000,
    max_ack_pending: 1_000,
  } as const;
}

const of = (event: EventContract) => (gateway: string) => filterOf(event, { gateway });
const FILTERS: Record<CopiedStream['name'], (gateway: string) => string> = {
  [STREAMS.DECISIONS.name]: of(DecisionChanged),
  // Starts and ends alike.
  [STREAMS.SESSIONS.name]: (gateway) => `stance.session.*.v1.${encodeToken(gateway)}.>`,
  [STREAMS.REVOCATIONS.name]: of(SessionRevoked),
};
