import { EVENTS } from '@stance/contracts';
import type { Candidate, Filter, Keys } from './candidates.js';

/**
 * What each user may do, written down a second time: by what things mean, not by subject patterns, so that a mistake in how
 * patterns are made cannot repeat itself here. Who writes a fact is what the contracts say; the tables say who reads what.
 */
export interface User {
  readonly name: string;
  readonly mayPublish: (candidate: Candidate) => boolean;
  readonly mayListen: (candidate: Candidate) => boolean;
}

/** Facts that a service handles one by one, by a durable consumer of its own. */
const HANDLED: Record<string, readonly string[]> = {
  'sentinelone-poller': [],
  'device-matcher': ['agent.observed', 'device.recorded', 'operator.acted'],
  'posture-store': ['agent.matched', 'device.recorded'],
  'policy-engine': ['posture.changed', 'policy.published', 'session.started', 'timer.due', 'operator.acted'],
  audit: [],
  'config-sync': [],
};

/** Facts that a service keeps in memory. */
const FOLLOWED: Record<string, readonly Filter[]> = {
  'sentinelone-poller': [
    { event: 'agent.observed' },
    { event: 'source.reported' },
    { event: 'operator.acted', keys: { kind: 'sweep-approved' } },
  ],
  'device-matcher': [
    { event: 'agent.observed' },
    { event: 'device.recorded' },
    { event: 'agent.matched' },
    { event: 'operator.acted' },
  ],
  'posture-store': [{ event: 'agent.matched' }, { event: 'device.recorded' }, { event: 'posture.changed' }],
  'policy-engine': [
    { event: 'posture.changed' },
    { event: 'decision.changed' },
    { event: 'timer.set' },
    { event: 'policy.published' },
    { event: 'policy.activated' },
    { event: 'source.reported' },
    { event: 'session.revoked' },
    { event: 'operator.acted', keys: { kind: 'hold-released' } },
  ],
  audit: [],
  'config-sync': [{ event: 'device.recorded' }],
};

/** Streams that are facts for audit and for people; timers are none. */
const FACT_STREAMS = [
  'STANCE_AGENTS',
  'STANCE_SOURCES',
  'STANCE_DEVICES',
  'STANCE_MATCHES',
  'STANCE_POSTURE',
  'STANCE_POLICIES',
  'STANCE_DECISIONS',
  'STANCE_SESSIONS',
  'STANCE_REVOCATIONS',
  'STANCE_OPERATIONS',
  'STANCE_DEAD',
];

/** Streams that a service reads whole. */
const READ_WHOLE: Record<string, readonly string[]> = {
  'policy-engine': ['STANCE_POLICIES', 'STANCE_SESSIONS'],
  'config-sync': ['STANCE_POLICIES'],
  audit: FACT_STREAMS,
};

const ANSWERED: Record<string, readonly string[]> = {
  'policy-engine': ['explain', 'plan', 'status'],
  'posture-store': ['get', 'list'],
  'device-matcher': ['unmatched'],
  audit: ['list', 'verify'],
};

const COPIES = ['STANCE_DECISIONS', 'STANCE_SESSIONS', 'STANCE_REVOCATIONS'];
const LOOKS = ['INFO', 'MSG.GET'];
export const PEOPLE = ['viewer', 'operator', 'policy-admin'];
const BY_HAND = ['manual-link', 'manual-unlink', 'sweep-approved', 'hold-released'];

/** The durable consumers of a stream in the account of Stance, and whose they are. */
export function durablesOf(stream: string, gateways: readonly string[]): string[] {
  return [
    ...Object.entries(HANDLED).flatMap(([service, events]) =>
      events.filter((event) => streamOf(event) === stream).map((event) => durableOf(service, event)),
    ),
    ...(COPIES.includes(stream) ? gateways.map((gateway) => `gateway-${gateway}`) : []),
  ];
}

/** A service's user; `source`: the only one that a poller speaks for. */
export function serviceUser(service: string, gateways: readonly string[], source?: string): User {
  const name = source === undefined ? service : `${service}-${source}`;
  const own: Keys = source === undefined ? {} : { source, targetId: source };
  const followed = (FOLLOWED[service] ?? []).map(({ event = '', keys }) => narrowed(event, { ...own, ...keys }));
  const handled = HANDLED[service] ?? [];
  const whole = READ_WHOLE[service] ?? [];
  const told = EVENTS.filter(({ owners }) => owners.some((owner) => owner === service))
    // What a timer delivers comes from the server, and the audit trail lies in another account.
    .filter((event) => event.name !== 'timer.due' && event.name !== 'audit.recorded')
    .map((event) => narrowed(event.name, { ...own, service }));
  const seen = new Set([
    ...[...told, ...followed].map(({ event }) => streamOf(event)),
    ...handled.map(streamOf),
    ...whole,
    'KV_STANCE_LEASES',
    ...(service === 'sentinelone-poller' ? ['KV_STANCE_CHECKPOINTS'] : []),
  ]);
  const reads = new Set([...followed.map(({ event }) => streamOf(event)), ...whole]);
  const isOthers = (stream: string, consumer: string) =>
    durablesOf(stream, gateways).some((durable) => durable === consumer && !durable.startsWith(`${service}_`));
  const isHandled = (stream: string, consumer: string) =>
    handled.some((event) => streamOf(event) === stream && durableOf(service, event) === consumer);
  return {
    name,
    mayPublish: (candidate) => {
      switch (candidate.kind) {
        case 'fact':
          return told.some((scope) => covers(scope, candidate));
        case 'key':
          return (
            candidate.key !== '>' &&
            (service === 'sentinelone-poller'
              ? ['STANCE_LEASES', 'STANCE_CHECKPOINTS'].includes(candidate.bucket) &&
                candidate.key.startsWith('sentinelone-poller.') &&
                (source === undefined || candidate.key === `sentinelone-poller.${source}`)
              : candidate.bucket === 'STANCE_LEASES' && candidate.key === service)
          );
        case 'inbox':
          return PEOPLE.includes(candidate.of) && service in ANSWERED;
        case 'account':
          return candidate.verb === 'INFO';
        case 'stream':
          return LOOKS.includes(candidate.verb) && seen.has(candidate.stream);
        case 'consumer': {
          const { verb, stream, consumer } = candidate;
          if (isHandled(stream, consumer) && ['INFO', 'DELETE', 'MSG.NEXT'].includes(verb)) return true;
          // Without a filter in the subject, the body names any: as good as the whole stream.
          if (verb === 'CREATE') return whole.includes(stream) && !isOthers(stream, consumer);
          if (verb === 'INFO') return reads.has(stream);
          return ['DELETE', 'MSG.NEXT'].includes(verb) && reads.has(stream) && !isOthers(stream, consumer);
        }
        case 'follow': {
          const { stream, consumer } = candidate;
          if (isOthers(stream, consumer)) return false;
          if (whole.includes(stream)) return true;
          if (followed.some((scope) => streamOf(scope.event) === stream && covers(scope, candidate))) return true;
          return handled.some(
            (event) =>
              durableOf(service, event) === consumer && streamOf(event) === stream && candidate.event === event,
          );
        }
        case 'acknowledge':
          return isHandled(candidate.stream, candidate.consumer);
        default:
          return false;
      }
    },
    mayListen: (candidate) =>
      (candidate.kind === 'inbox' && candidate.of === name) ||
      (candidate.kind === 'request' &&
        candidate.service === service &&
        (ANSWERED[service] ?? []).includes(candidate.verb)),
  };
}

/** A person's user, by role. */
export function personUser(role: string, gateways: readonly string[]): User {
  return {
    name: role,
    mayPublish: (candidate) => {
      switch (candidate.kind) {
        case 'fact':
          if (candidate.event === 'policy.published') return role === 'policy-admin';
          return (
            role !== 'viewer' && candidate.event === 'operator.acted' && BY_HAND.includes(candidate.keys['kind'] ?? '')
          );
        case 'request':
          return true;
        case 'account':
          return ['INFO', 'STREAM.LIST'].includes(candidate.verb);
        case 'stream':
          return [...LOOKS, 'CONSUMER.LIST'].includes(candidate.verb) && isPeoples(candidate.stream);
        case 'direct':
          return isPeoples(candidate.stream);
        case 'consumer':
          if (candidate.verb === 'INFO') return isPeoples(candidate.stream);
          return (
            ['CREATE', 'DELETE', 'MSG.NEXT'].includes(candidate.verb) &&
            isPeoples(candidate.stream) &&
            !durablesOf(candidate.stream, gateways).includes(candidate.consumer)
          );
        case 'follow':
          return isPeoples(candidate.stream) && !durablesOf(candidate.stream, gateways).includes(candidate.consumer);
        default:
          return false;
      }
    },
    mayListen: (candidate) => candidate.kind === 'inbox' && candidate.of === role,
  };
}

/** People look into timers as well. */
function isPeoples(stream: string): boolean {
  return FACT_STREAMS.includes(stream) || stream === 'STANCE_TIMERS';
}

/** A gateway's user, alone in its account, which holds its copies and nothing else. */
export function gatewayUser(gateway: string): User {
  const own = { gateway };
  const isCopy = (stream: string) => COPIES.includes(stream);
  return {
    name: `gateway-${gateway}`,
    mayPublish: (candidate) => {
      switch (candidate.kind) {
        case 'fact':
          return [
            { event: 'session.started', keys: own },
            { event: 'session.ended', keys: own },
            { event: 'session.used', keys: own },
            { event: 'break-glass.used', keys: own },
          ].some((scope) => covers(scope, candidate));
        case 'request':
          return candidate.service === 'gateway';
        // Its account's own: who asks it is one of its replicas, or comes by way of the server.
        case 'inbox':
        case 'server-reply':
        case 'any-reply':
          return true;
        case 'account':
          return candidate.verb === 'INFO';
        case 'stream':
          return LOOKS.includes(candidate.verb) && isCopy(candidate.stream);
        case 'consumer':
          return ['CREATE', 'INFO', 'DELETE', 'MSG.NEXT'].includes(candidate.verb) && isCopy(candidate.stream);
        case 'follow':
          return isCopy(candidate.stream);
        default:
          return false;
      }
    },
    mayListen: (candidate) =>
      candidate.kind === 'inbox' ||
      (candidate.kind === 'any-reply' && candidate.subject.startsWith('_INBOX.')) ||
      (candidate.kind === 'request' && candidate.service === 'gateway') ||
      (candidate.kind === 'fact' &&
        ['engine.reported', 'session.used'].some((event) => covers({ event, keys: own }, candidate))),
  };
}

/** Makes and changes streams and what feeds the copies; of the audit trail only the beginning. */
export function topologyUser(): User {
  const made = [...FACT_STREAMS, 'STANCE_TIMERS', 'KV_STANCE_LEASES', 'KV_STANCE_CHECKPOINTS'];
  const isFeed = ({ stream, consumer }: { stream: string; consumer: string }) =>
    COPIES.includes(stream) && consumer.startsWith('gateway-');
  return {
    name: 'topology',
    mayPublish: (candidate) => {
      switch (candidate.kind) {
        case 'account':
          return ['INFO', 'STREAM.LIST'].includes(candidate.verb);
        case 'stream':
          return ['CREATE', 'UPDATE', 'INFO'].includes(candidate.verb) && made.includes(candidate.stream);
        case 'consumer':
          return ['INFO', 'DELETE'].includes(candidate.verb) && isFeed(candidate);
        case 'follow':
          return isFeed(candidate) && isFeedOf(candidate);
        case 'setup':
          if (candidate.of === 'audit')
            return candidate.stream === 'STANCE_AUDIT' && ['CREATE', 'INFO'].includes(candidate.verb);
          return COPIES.includes(candidate.stream) && ['CREATE', 'UPDATE', 'INFO', 'DELETE'].includes(candidate.verb);
        default:
          return false;
      }
    },
    mayListen: (candidate) => candidate.kind === 'inbox' && candidate.of === 'topology',
  };
}

/** The facts that each copy is fed with. */
const FED: Record<string, readonly string[]> = {
  STANCE_DECISIONS: ['decision.changed'],
  STANCE_SESSIONS: ['session.started', 'session.ended'],
  STANCE_REVOCATIONS: ['session.revoked'],
};

/** A feed filters by its own gateway. */
function isFeedOf({ stream, consumer, event = '', keys = {} }: Extract<Candidate, { kind: 'follow' }>): boolean {
  return (FED[stream] ?? []).includes(event) && consumer === `gateway-${keys['gateway']}`;
}

/** Appends to the audit trail and reads it. */
export function auditTrailUser(): User {
  return {
    name: 'audit-trail',
    mayPublish: (candidate) => {
      switch (candidate.kind) {
        case 'fact':
          return candidate.event === 'audit.recorded';
        case 'account':
          return candidate.verb === 'INFO';
        case 'stream':
          return candidate.stream === 'STANCE_AUDIT' && LOOKS.includes(candidate.verb);
        case 'consumer':
          return candidate.stream === 'STANCE_AUDIT' && ['DELETE', 'MSG.NEXT'].includes(candidate.verb);
        case 'follow':
          return candidate.stream === 'STANCE_AUDIT';
        default:
          return false;
      }
    },
    mayListen: (candidate) => candidate.kind === 'inbox' && candidate.of === 'audit-trail',
  };
}

/** Reads the audit trail out of an account in which nothing is stored, and writes nothing. */
export function auditorUser(): User {
  return {
    name: 'auditor',
    mayPublish: (candidate) => {
      if (candidate.kind !== 'audited' || candidate.stream !== 'STANCE_AUDIT') return false;
      return [...LOOKS, 'DIRECT.GET'].includes(candidate.verb);
    },
    mayListen: (candidate) => candidate.kind === 'inbox' && candidate.of === 'auditor',
  };
}

type Scope = { readonly event: string; readonly keys?: Keys };

function narrowed(event: string, own: Keys): Scope {
  const known: readonly string[] = contractOf(event).keys;
  return { event, keys: Object.fromEntries(Object.entries(own).filter(([key]) => known.includes(key))) };
}

/** Whether everything that the filter lets through lies within the scope. */
function covers(scope: Scope, { event, keys = {} }: Filter): boolean {
  return event === scope.event && Object.entries(scope.keys ?? {}).every(([key, value]) => keys[key] === value);
}

function durableOf(service: string, event: string): string {
  return `${service}_${event.replace('.', '-')}`;
}

function streamOf(event: string): string {
  return contractOf(event).stream?.name ?? 'none';
}

function contractOf(event: string) {
  const contract = EVENTS.find(({ name }) => name === event);
  if (contract === undefined) throw new TypeError(`there is no event ${event}`);
  return contract;
}
