import type { ServiceName } from './services.js';

/** One JetStream stream. A stream is the log and, by its last message per subject, the current table (docs/adr/0002). */
export interface StreamDefinition {
  readonly name: string;
  /** Subject filters that the stream captures. */
  readonly subjects: readonly string[];
  readonly summary: string;
  readonly writtenBy: readonly ServiceName[];
  /** Messages kept per subject; `all` for a complete history. */
  readonly keepPerSubject: number | 'all';
  /** Oldest message kept, in seconds; state streams have no limit, so that a quiet device is never forgotten. */
  readonly maxAgeSeconds?: number;
  /** Messages may carry `Nats-TTL`. */
  readonly messageTtl?: boolean;
  /** Messages may carry `Nats-Rollup: sub`, which retires a subject's older messages. */
  readonly rollup?: boolean;
  /** Messages may carry `Nats-Schedule`. */
  readonly schedules?: boolean;
  /** Neither a message nor the stream's content can be removed through the API. */
  readonly appendOnly?: boolean;
  /** Facts that audit records; off for the audit trail itself and for what is not a fact. */
  readonly audited: boolean;
  /** The NATS account that holds it where accounts are set up: `audit` is one that no other service may write to. */
  readonly account?: 'audit';
}

const DAY = 24 * 60 * 60;

export const STREAMS = {
  AGENTS: {
    name: 'STANCE_AGENTS',
    subjects: ['stance.agent.observed.v1.>'],
    summary: 'What each source says about each of its agents',
    writtenBy: ['sentinelone-poller'],
    keepPerSubject: 16,
    messageTtl: true,
    rollup: true,
    audited: true,
  },
  SOURCES: {
    name: 'STANCE_SOURCES',
    subjects: ['stance.source.reported.v1.>'],
    summary: 'The health and progress of each source',
    writtenBy: ['sentinelone-poller'],
    keepPerSubject: 64,
    audited: true,
  },
  DEVICES: {
    name: 'STANCE_DEVICES',
    subjects: ['stance.device.recorded.v1.>'],
    summary: 'The inventory of enrolled devices',
    writtenBy: ['config-sync'],
    keepPerSubject: 16,
    messageTtl: true,
    rollup: true,
    audited: true,
  },
  MATCHES: {
    name: 'STANCE_MATCHES',
    subjects: ['stance.agent.matched.v1.>'],
    summary: 'Which device each agent belongs to, or why to none',
    writtenBy: ['device-matcher'],
    keepPerSubject: 16,
    messageTtl: true,
    rollup: true,
    audited: true,
  },
  POSTURE: {
    name: 'STANCE_POSTURE',
    subjects: ['stance.posture.changed.v1.>'],
    summary: 'One posture record per device',
    writtenBy: ['posture-store'],
    keepPerSubject: 64,
    messageTtl: true,
    rollup: true,
    audited: true,
  },
  POLICIES: {
    name: 'STANCE_POLICIES',
    subjects: ['stance.policy.published.v1', 'stance.policy.activated.v1'],
    summary: 'Every policy ever published, and what became of it',
    writtenBy: ['config-sync', 'cli', 'policy-engine'],
    keepPerSubject: 'all',
    audited: true,
  },
  DECISIONS: {
    name: 'STANCE_DECISIONS',
    subjects: ['stance.decision.changed.v1.>'],
    summary: 'Who may reach what, per gateway and device',
    writtenBy: ['policy-engine'],
    keepPerSubject: 16,
    messageTtl: true,
    rollup: true,
    audited: true,
  },
  SESSIONS: {
    name: 'STANCE_SESSIONS',
    subjects: ['stance.session.started.v1.>', 'stance.session.ended.v1.>'],
    summary: 'Sessions that gateways opened and closed',
    writtenBy: ['gateway'],
    keepPerSubject: 1,
    messageTtl: true,
    audited: true,
  },
  REVOCATIONS: {
    name: 'STANCE_REVOCATIONS',
    subjects: ['stance.session.revoked.v1.>'],
    summary: 'Sessions that must end now',
    writtenBy: ['policy-engine'],
    keepPerSubject: 1,
    messageTtl: true,
    audited: true,
  },
  TIMERS: {
    name: 'STANCE_TIMERS',
    subjects: ['stance.timer.set.v1.>', 'stance.timer.due.v1.>'],
    summary: 'Deadlines kept by the server: one scheduled message per device',
    writtenBy: ['policy-engine'],
    keepPerSubject: 1,
    messageTtl: true,
    rollup: true,
    schedules: true,
    audited: false,
  },
  OPERATIONS: {
    name: 'STANCE_OPERATIONS',
    subjects: ['stance.operator.acted.v1.>', 'stance.break-glass.used.v1.>'],
    summary: 'What a person did by hand or by a break-glass file, and why',
    writtenBy: ['cli', 'gateway'],
    keepPerSubject: 16,
    audited: true,
  },
  AUDIT: {
    name: 'STANCE_AUDIT',
    subjects: ['stance.audit.recorded.v1.>'],
    summary: 'The append-only, hash-chained record of every fact',
    writtenBy: ['audit'],
    keepPerSubject: 'all',
    appendOnly: true,
    audited: false,
    account: 'audit',
  },
  DEAD: {
    name: 'STANCE_DEAD',
    subjects: ['stance.dead.>'],
    summary: 'Messages that a service could not use, as received, with the reason',
    writtenBy: [
      ...([
        'sentinelone-poller',
        'device-matcher',
        'posture-store',
        'policy-engine',
        'audit',
        'config-sync',
        'gateway',
      ] as const),
    ],
    keepPerSubject: 'all',
    maxAgeSeconds: 30 * DAY,
    audited: true,
  },
} as const satisfies Record<string, StreamDefinition>;

/** Key-value buckets, for what is not a fact. */
export interface BucketDefinition {
  readonly name: string;
  readonly summary: string;
}

export const BUCKETS = {
  LEASES: { name: 'STANCE_LEASES', summary: 'Which replica of a service is active; a key lives 3 s' },
  CHECKPOINTS: { name: 'STANCE_CHECKPOINTS', summary: 'How far a poller has read its source' },
} as const satisfies Record<string, BucketDefinition>;

/** How long a retired subject's last message stays: long enough for every reader to have seen it. */
export const RETIREMENT_TTL = '720h';

/** Within this window, in seconds, the server drops a second message with the same id: a saving, never the guarantee. */
export const DUPLICATE_WINDOW_SECONDS = 120;
