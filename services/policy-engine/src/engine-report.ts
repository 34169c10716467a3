import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  ENGINE_REPORT_INTERVAL_SECONDS,
  EngineReported,
  OperatorActed,
  PolicyPublished,
  PostureChanged,
  SessionStarted,
  STREAMS,
  TimerDue,
  durableOf,
} from '@stance/contracts';
import { type EventPublisher } from '@stance/jetstream';
import type { Logger } from '@stance/service-kit';
import type { DecisionMark } from './decision-mark.js';
import type { EngineProgress } from './engine-progress.js';
import type { FleetReview } from './fleet-review.js';
import type { PolicyLog } from './policy-log.js';
import { Standstills, type Standstill } from './standstills.js';
import { waitingAt } from './waiting-work.js';

/**
 * How long work may wait without any of it being finished before the engine falls silent, in milliseconds: longer than it
 * takes until a message that cannot be handled is given up (51 s), and far below the silence that gateways bear (5 min).
 */
const STANDSTILL_LIMIT_MS = 60_000;

export interface EngineReportOptions {
  /** See {@link STANDSTILL_LIMIT_MS}, the default. */
  readonly standstillMs?: number;
  /** Between two reports; the {@link ENGINE_REPORT_INTERVAL_SECONDS} that gateways count on by default. */
  readonly intervalMs?: number;
}

/** What the engine decides upon. */
const INPUTS = [PostureChanged, PolicyPublished, SessionStarted, TimerDue, OperatorActed] as const;

/** How far the engine is with one of its inputs. */
interface Progress {
  readonly consumer: string;
  /** Everything up to this sequence of the stream is finished. */
  readonly done: number;
  readonly waiting: number;
}

/** Tells every gateway, every few seconds, that the engine is alive and how far it has come. */
export class EngineReport {
  private timer: NodeJS.Timeout | undefined;
  private count = 0;
  private readonly standstills = new Standstills();
  private stuck: string | undefined;
  private readonly standstillMs: number;
  private readonly intervalMs: number;

  constructor(
    private readonly connection: NatsConnection,
    private readonly publisher: EventPublisher,
    private readonly policies: PolicyLog,
    private readonly progress: EngineProgress,
    private readonly review: Pick<FleetReview, 'progress'>,
    private readonly mark: Pick<DecisionMark, 'activeFrom'>,
    private readonly logger: Logger,
    options: EngineReportOptions = {},
  ) {
    this.standstillMs = options.standstillMs ?? STANDSTILL_LIMIT_MS;
    this.intervalMs = options.intervalMs ?? ENGINE_REPORT_INTERVAL_SECONDS * 1_000;
  }

  /** Why the engine cannot go on, and so says nothing; `undefined` while it can. */
  get standstill(): string | undefined {
    return this.stuck;
  }

  start(): void {
    this.timer = setInterval(() => void this.report(), this.intervalMs);
    void this.report();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Reports at once, besides the regular times: a gateway that a policy has just named need not wait. */
  async report(): Promise<void> {
    const policy = this.policies.active;
    // Silence is the honest report of an engine that cannot decide: gateways deny.
    if (policy !== undefined && !policy.ok) return;
    try {
      const postures = await this.lookAtWork();
      const decisionStream = await this.decisionStream();
      // Work that cannot be finished, as when decisions cannot be stored: what gateways hold may be wrong by now.
      if (this.stuck !== undefined) return;
      const { progress: review } = this.review;
      const gateways = new Set([...(policy?.compiled.gateways.keys() ?? []), ...this.progress.gateways]);
      for (const gateway of gateways) {
        this.count += 1;
        this.publisher.announce(
          EngineReported,
          {
            gateway,
            policyRevision: policy?.revision ?? 0,
            lag: postures.waiting,
            evaluatedUpTo: postures.done,
            decidedUpTo: this.progress.decidedUpTo(gateway),
            decisionStream,
            reportedAt: new Date().toISOString(),
            ...(review !== undefined && { review }),
          },
          `policy-engine:report:${process.pid}:${this.count}`,
        );
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'cannot report to the gateways');
    }
  }

  /** The stream that decisions are written to: gateways that read a copy of it compare. */
  private async decisionStream() {
    const { streams } = await jetstreamManager(this.connection, { checkAPI: false });
    const { created, state } = await streams.info(STREAMS.DECISIONS.name);
    const { activeFrom } = this.mark;
    return { created, lastSequence: state.last_seq, ...(activeFrom && { activeFrom }) };
  }

  /** Notices what stands still; resolves to how far the postures are. */
  private async lookAtWork(): Promise<Progress> {
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const [postures, ...others] = await Promise.all([
      this.progressOf(manager, INPUTS[0]),
      ...INPUTS.slice(1).map((contract) => this.progressOf(manager, contract)),
    ]);
    const now = performance.now();
    for (const { consumer, done, waiting } of [postures, ...others]) {
      this.standstills.look(consumer, { done, waiting }, now);
    }
    const { reviewed = 0, total = 0, startedAt = '' } = this.review.progress ?? {};
    const review = { done: `${startedAt} ${reviewed}`, waiting: total - reviewed };
    this.standstills.look('the review of the fleet', review, now);
    this.tell(this.standstills.longest(this.standstillMs, now));
    return postures;
  }

  private async progressOf(manager: JetStreamManager, contract: (typeof INPUTS)[number]): Promise<Progress> {
    const consumer = durableOf(this.publisher.service, contract);
    const info = await manager.consumers.info(contract.stream?.name ?? '', consumer);
    return { consumer, done: info.ack_floor.stream_seq, waiting: await waitingAt(manager, info) };
  }

  private tell(standstill: Standstill | undefined): void {
    const before = this.stuck;
    this.stuck = standstill && messageOf(standstill);
    if (before === undefined && this.stuck !== undefined) this.logger.error(this.stuck);
    if (before !== undefined && this.stuck === undefined)
      this.logger.info('going on, and reporting to the gateways again');
  }
}

function messageOf({ work, waiting, sinceMs }: Standstill): string {
  return (
    `${work} has stood still for ${Math.round(sinceMs / 1_000)} s with ${waiting} waiting, so the gateways are told nothing: ` +
    'see the warnings before this, and whether the streams can be written (disk space, limits, a leader)'
  );
}
