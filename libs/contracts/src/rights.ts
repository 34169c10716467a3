import type { EventContract } from './event.js';
import { AgentMatched, AgentObserved } from './events/agent.js';
import { BreakGlassUsed } from './events/break-glass.js';
import { DecisionChanged } from './events/decision.js';
import { DeviceRecorded } from './events/device.js';
import { EngineReported } from './events/engine.js';
import { OperatorActed } from './events/operator.js';
import { PolicyActivated, PolicyPublished } from './events/policy.js';
import { PostureChanged } from './events/posture.js';
import { SessionRevoked, SessionEnded, SessionStarted, SessionsUsed } from './events/session.js';
import { SourceReported } from './events/source.js';
import { TimerDue, TimerSet } from './events/timer.js';
import { EVENTS } from './catalogue.js';
import { COPIED_STREAMS } from './copies.js';
import { encodeToken } from './id-token.js';
import { REQUESTS, type RequestContract } from './requests.js';
import type { ServiceName } from './services.js';
import { wireBucketConfig } from './stream-config.js';
import { BUCKETS, STREAMS, type BucketDefinition, type StreamDefinition } from './streams.js';

/** An event, or only that of some keys. */
export interface Scope {
  readonly event: EventContract;
  readonly keys?: Readonly<Record<string, string>>;
}

/** What one NATS user may do, in terms of the contracts. Everything that is not named is refused. */
export interface Rights {
  /** Events that it may publish. */
  readonly publishes: readonly Scope[];
  /** Events that it handles one by one, through a durable consumer of its own. */
  readonly consumes: readonly EventContract[];
  /** Events that it reads without acknowledging, as a table or a log. */
  readonly reads: readonly Scope[];
  /** Streams that it reads whole. */
  readonly readsStreams: readonly StreamDefinition[];
  /** Events that only core NATS carries, which it listens to. */
  readonly hears: readonly Scope[];
  readonly answers: readonly RequestContract[];
  readonly asks: readonly RequestContract[];
  /** Streams and buckets that have to be there for it, and whose state it may look at, by their names on the wire. */
  readonly streams: readonly string[];
  /** Keys of buckets that it writes and reads, as subject patterns. */
  readonly keeps: readonly { readonly bucket: BucketDefinition; readonly key: string }[];
}

/** The streams that have to be there for a service. */
export function streamsOf(service: ServiceName): readonly string[] {
  if (service === 'gateway') return rightsOfGateway('any').streams;
  if (service === 'cli') return rightsOfRole('viewer').streams;
  return rightsOfService(service).streams;
}

/** The services that share the account of Stance, each with a user of its own. */
export const CORE_SERVICES = [
  'sentinelone-poller',
  'device-matcher',
  'posture-store',
  'policy-engine',
  'audit',
  'config-sync',
] as const satisfies readonly ServiceName[];
export type CoreService = (typeof CORE_SERVICES)[number];

/** What people may do: each role is a user of its own, and may do what the role before it may. */
export const ROLES = ['viewer', 'operator', 'policy-admin'] as const;
export type Role = (typeof ROLES)[number];

const all = (...events: readonly EventContract[]): Scope[] => events.map((event) => ({ event }));

type Reading = Pick<Rights, 'consumes' | 'reads'> & { readonly readsStreams?: readonly StreamDefinition[] };

/** What each service reads; what it writes and answers is said where events and requests are defined. */
const READING: Record<CoreService, Reading> = {
  'sentinelone-poller': {
    consumes: [],
    reads: [...all(AgentObserved, SourceReported), { event: OperatorActed, keys: { kind: 'sweep-approved' } }],
  },
  'device-matcher': {
    consumes: [AgentObserved, DeviceRecorded, OperatorActed],
    reads: all(AgentObserved, DeviceRecorded, AgentMatched, OperatorActed),
  },
  'posture-store': {
    consumes: [AgentMatched, DeviceRecorded],
    reads: all(AgentMatched, DeviceRecorded, PostureChanged),
  },
  'policy-engine': {
    consumes: [PostureChanged, PolicyPublished, SessionStarted, TimerDue, OperatorActed],
    reads: [
      ...all(
        PostureChanged,
        DecisionChanged,
        TimerSet,
        PolicyPublished,
        PolicyActivated,
        SourceReported,
        SessionRevoked,
      ),
      { event: OperatorActed, keys: { kind: 'hold-released' } },
    ],
    readsStreams: [STREAMS.POLICIES, STREAMS.SESSIONS],
  },
  audit: {
    consumes: [],
    reads: [],
    readsStreams: Object.values(STREAMS).filter(({ audited }: StreamDefinition) => audited),
  },
  'config-sync': { consumes: [], reads: all(DeviceRecorded), readsStreams: [STREAMS.POLICIES] },
};

/** How many characters of a public key tell two users' inboxes apart: the prefix is sent with every request. */
const INBOX_KEY_CHARACTERS = 20;

/** The prefix of the subjects on which a user is answered: known from its public NKey, so that nobody has to be told. */
export function inboxOfKey(publicKey: string): string {
  return `_INBOX.${publicKey.slice(0, INBOX_KEY_CHARACTERS)}`;
}

/** What a service's user may do. `source`: the only one that a poller may speak for. */
export function rightsOfService(service: CoreService, { source }: { source?: string } = {}): Rights {
  const { consumes, reads, readsStreams = [] } = READING[service];
  const own = source === undefined ? undefined : { source };
  const publishes = EVENTS.filter(isWrittenBy(service)).map((event) => narrowed({ event }, { ...own, service }));
  const keeps = [
    { bucket: BUCKETS.LEASES, key: keyOf(service, source) },
    ...(service === 'sentinelone-poller' ? [{ bucket: BUCKETS.CHECKPOINTS, key: keyOf(service, source) }] : []),
  ];
  const events = [...publishes, ...reads].map(({ event }) => event).concat(consumes);
  return {
    publishes,
    consumes,
    reads: reads.map((scope) => narrowed(scope, { ...own, ...(source !== undefined && { targetId: source }) })),
    readsStreams,
    hears: [],
    answers: REQUESTS.filter((request) => request.service === service),
    asks: [],
    streams: [
      ...new Set([
        ...events.flatMap(({ stream }) => stream?.name ?? []),
        ...readsStreams.map(({ name }) => name),
        ...keeps.map(({ bucket }) => wireBucketConfig(bucket).name),
      ]),
    ],
    keeps,
  };
}

/** What a gateway may do: in an account of its own, with copies of what is meant for it. */
export function rightsOfGateway(gateway: string): Rights {
  const own = { gateway };
  return {
    publishes: [SessionStarted, SessionEnded, SessionsUsed, BreakGlassUsed].map((event) => ({ event, keys: own })),
    consumes: [],
    reads: [],
    // Its copies hold nothing else than what is meant for it.
    readsStreams: COPIED_STREAMS,
    hears: [EngineReported, SessionsUsed].map((event) => ({ event, keys: own })),
    answers: REQUESTS.filter(({ service }) => service === 'gateway'),
    asks: REQUESTS.filter(({ service }) => service === 'gateway'),
    streams: COPIED_STREAMS.map(({ name }) => name),
    keeps: [],
  };
}

const HAND_WRITTEN = {
  viewer: [],
  operator: ['manual-link', 'manual-unlink', 'sweep-approved', 'hold-released'],
  'policy-admin': ['manual-link', 'manual-unlink', 'sweep-approved', 'hold-released'],
} as const satisfies Record<Role, readonly string[]>;

/** What a person may do by the `stance` command. */
export function rightsOfRole(role: Role): Rights {
  const streams = Object.values(STREAMS).filter(({ account }: StreamDefinition) => account === undefined);
  return {
    publishes: [
      ...HAND_WRITTEN[role].map((kind) => ({ event: OperatorActed, keys: { kind } })),
      ...(role === 'policy-admin' ? all(PolicyPublished) : []),
    ],
    consumes: [],
    reads: [],
    readsStreams: streams,
    hears: [],
    answers: [],
    asks: REQUESTS,
    streams: streams.map(({ name }) => name),
    keeps: [],
  };
}

function isWrittenBy(service: ServiceName) {
  // What a timer delivers is published by the server.
  return (event: EventContract) =>
    event.owners.includes(service) && event !== TimerDue && event.stream?.account === undefined;
}

/** Narrows a scope to what is its user's own, by the keys that it has. */
function narrowed({ event, keys }: Scope, own: Readonly<Record<string, string | undefined>>): Scope {
  const known = Object.entries(own).filter(([key, value]) => value !== undefined && event.keys.includes(key));
  const narrow = { ...(Object.fromEntries(known) as Record<string, string>), ...keys };
  return Object.keys(narrow).length === 0 ? { event } : { event, keys: narrow };
}

/** A poller has one for each source. */
function keyOf(service: CoreService, source: string | undefined): string {
  if (service !== 'sentinelone-poller') return service;
  return `${service}.${source === undefined ? '*' : encodeToken(source)}`;
}
