import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  DecisionChanged,
  OperatorActed,
  PolicyActivated,
  PostureChanged,
  SessionEnded,
  SessionStarted,
  SourceReported,
  STREAMS,
  TimerSet,
  UnreadableEvent,
  type DataOf,
  type EventOf,
} from '@stance/contracts';
import { decodeStored, FactTable, WarmStream, type EventPublisher } from '@stance/jetstream';
import type { PostureSubject } from '@stance/policy';
import type { WarmTable } from '@stance/service-kit';
import { deserialise, serialise } from './decision.js';
import { effectsIn, type EffectCounts } from './effects.js';
import type { EngineProgress } from './engine-progress.js';
import { heldUntilOf } from './hold/held-verdict.js';
import type { Holds, Release } from './hold/holds.js';
import type { OpenSessions } from './open-sessions.js';

/** A posture as the bytes of its event: as objects, a large fleet would keep the garbage collector busy for seconds. */
export interface KnownPosture {
  readonly deviceId: string;
  readonly revision: number;
  readonly payload: Buffer;
}

export interface KnownDecision {
  readonly gateway: string;
  readonly postureRevision: number;
  readonly policyRevision: number;
  readonly decidedAt: string;
  /** See `serialise` in decision.ts. */
  readonly verdict: string;
  /** See `effectsIn` in effects.ts. */
  readonly effects: string;
}

export interface Tables {
  readonly postures: FactTable<typeof PostureChanged, KnownPosture>;
  readonly decisions: FactTable<typeof DecisionChanged, KnownDecision>;
  /** When a device's timer fires, in milliseconds. */
  readonly timers: FactTable<typeof TimerSet, number>;
  readonly activations: FactTable<typeof PolicyActivated, DataOf<typeof PolicyActivated>>;
  readonly sources: FactTable<typeof SourceReported, SourcePace>;
  /** The last release of each gateway's hold. */
  readonly releases: FactTable<typeof OperatorActed, Release>;
}

/** How often a source confirms what it says, in seconds. */
export interface SourcePace {
  readonly sweepInterval: number;
  readonly freshnessStep: number;
}

export const TABLES = Symbol('tables');

export function createTables(
  connection: NatsConnection,
  publisher: EventPublisher,
  progress: EngineProgress,
  holds: Holds,
  effects: EffectCounts,
): Tables {
  return {
    postures: new FactTable(connection, publisher, PostureChanged, {
      // Copied: what is delivered is a slice of all that came with it.
      keep: ({ data: { deviceId, revision } }, payload): KnownPosture => ({
        deviceId,
        revision,
        payload: Buffer.from(payload),
      }),
    }),
    decisions: new FactTable(connection, publisher, DecisionChanged, {
      keep: ({
        data: { gateway, postureRevision, policyRevision, decidedAt, reviewAt, ...verdict },
      }): KnownDecision => ({
        gateway,
        postureRevision,
        policyRevision,
        decidedAt,
        verdict: serialise({ ...verdict, reviewAt: reviewAt === null ? null : Date.parse(reviewAt) }),
        effects: effectsIn(verdict.resources),
      }),
      onChange: ({ gateway, deviceId }, decision, before, sequence) => {
        progress.decided(gateway, sequence, decision?.policyRevision);
        holds.stored(gateway, deviceId, decision && heldBy(decision));
        effects.changed(gateway, decision?.effects, before?.effects);
      },
    }),
    timers: new FactTable(connection, publisher, TimerSet, { keep: ({ data }) => Date.parse(data.dueAt) }),
    activations: new FactTable(connection, publisher, PolicyActivated, { keep: ({ data }) => data }),
    sources: new FactTable(connection, publisher, SourceReported, {
      keep: ({ data: { sweep, freshnessStep } }) => ({ sweepInterval: sweep?.interval ?? 0, freshnessStep }),
    }),
    releases: new FactTable(connection, publisher, OperatorActed, {
      only: { kind: 'hold-released' },
      keep: ({ data: { details }, time }): Release => {
        const heldUntil = Date.parse(details?.['heldUntil'] ?? '');
        return { at: Date.parse(time), heldUntil: Number.isNaN(heldUntil) ? undefined : heldUntil };
      },
    }),
  };
}

function heldBy({ verdict, decidedAt }: KnownDecision): { until: number; since: number } | undefined {
  // Hardly any decision is held, and reading them all would take long.
  if (!verdict.includes('"heldUntil":')) return undefined;
  const until = heldUntilOf(deserialise(verdict));
  return until === undefined ? undefined : { until, since: Date.parse(decidedAt) };
}

export function subjectOf({ payload }: KnownPosture): PostureSubject {
  // The bytes of an event that its schema has checked.
  return (JSON.parse(payload.toString('utf8')) as EventOf<typeof PostureChanged>).data;
}

/** Follows the sessions that gateways open and close; starts and ends of one session come in order, as one stream has both. */
export class SessionLog extends WarmStream implements WarmTable {
  constructor(
    connection: NatsConnection,
    private readonly sessions: OpenSessions,
    private readonly now: () => number = Date.now,
  ) {
    super(connection, { stream: STREAMS.SESSIONS.name, from: 'last-per-subject' });
  }

  protected take(message: JsMsg): void {
    try {
      if (message.subject.startsWith(`${SessionStarted.subjectPrefix}.`)) {
        this.sessions.started(decodeStored(SessionStarted, message).data, this.now());
      } else {
        this.sessions.ended(decodeStored(SessionEnded, message).data, this.now());
      }
    } catch (error) {
      // A start that cannot be read is dead-lettered by its handler; an end that cannot be read ends nothing.
      if (!(error instanceof UnreadableEvent)) throw error;
    }
  }
}
