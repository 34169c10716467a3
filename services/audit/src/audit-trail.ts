import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { AuditRecord } from '@stance/audit-chain';
import { STREAMS, type StreamDefinition } from '@stance/contracts';
import { ExpectationFailed, type EventPublisher } from '@stance/jetstream';
import type { Logger } from '@stance/service-kit';
import { AppendRun, TrailMoved } from './append-run.js';
import { AuditedStream, type FactMark } from './audited-stream.js';
import type { TrailMetrics } from './metrics.js';
import { endOf, gapOf, recordOf } from './record.js';
import { resumeAfter } from './resume.js';
import { lastSequenceOfTrail, readTrailEnd, type TrailEnd } from './trail.store.js';

/** The streams whose facts the trail holds. */
const AUDITED_STREAMS: readonly string[] = Object.values(STREAMS)
  .filter(({ audited }: StreamDefinition) => audited)
  .map(({ name }) => name);

export interface TrailParts {
  /** Where the facts are. */
  readonly connection: NatsConnection;
  /** Where the trail is; its account may be another. */
  readonly trail: NatsConnection;
  /** Writes to the trail. */
  readonly publisher: EventPublisher;
  readonly logger: Logger;
  readonly metrics: TrailMetrics;
}

export interface TrailOptions {
  /** Appends that await their confirmation at a time; 512 by default. */
  readonly maxInFlight?: number;
  /** Records that may wait before the streams are paused; 10,000 by default. */
  readonly maxWaiting?: number;
  /** How often each stream is looked at for what no message tells, in milliseconds; 2 s by default. */
  readonly checkEveryMs?: number;
}

/** What the writer says of itself. */
export interface TrailStatus {
  /** Why nothing can be appended just now. */
  readonly problem: string | undefined;
  readonly position: number;
  /** Records that wait for their place or their confirmation. */
  readonly waiting: number;
  /** Per stream, the facts that are not yet taken in. */
  readonly behind: Readonly<Record<string, number>>;
  /** The trail's last messages were no records of audit's when it was read. */
  readonly damaged: boolean;
}

const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Another writer was faster: its record is there to be read. */
const MOVED_DELAY_MS = 100;
const RETRY_DELAY_MS = 1_000;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Writes the trail: follows every audited stream from its last record on and appends what comes. Whatever goes wrong, the
 * trail's end is read again and everything starts from there, so that nothing is left out and nothing is recorded twice.
 */
export class AuditTrail {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private streams: readonly AuditedStream[] = [];
  private run: AppendRun | undefined;
  private position = 0;
  private problem: string | undefined;
  private damaged = false;
  private left = 0;

  constructor(
    private readonly parts: TrailParts,
    private readonly options: TrailOptions = {},
  ) {}

  /** Starts to write, and goes on until {@link stop}; trouble shows in {@link status}. */
  start(): void {
    this.running = this.keepWriting();
  }

  /** Ends it; what was sent is confirmed or given up first. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /**
   * Records that wait for their place, as of the last look: one that is tried again and again counts until it has it, not as
   * none between two attempts.
   */
  get unrecorded(): number {
    return this.left;
  }

  status(): TrailStatus {
    return {
      problem: this.problem,
      position: this.position,
      waiting: this.run?.waiting ?? 0,
      behind: Object.fromEntries(
        this.streams.filter(({ behind }) => behind > 0).map(({ name, behind }) => [name, behind]),
      ),
      damaged: this.damaged,
    };
  }

  private async keepWriting(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.writeUntilTrouble(signal);
      } catch (error) {
        if (signal.aborted) return;
        const moved = error instanceof ExpectationFailed || error instanceof TrailMoved;
        this.sayTrouble(error, moved);
        await delay(moved ? MOVED_DELAY_MS : RETRY_DELAY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One run of appends: from the trail's end to the first failure. */
  private async writeUntilTrouble(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const end = await readTrailEnd(this.parts.trail, AUDITED_STREAMS);
    this.position = end.chain.position;
    this.sayDamage(end);
    const run = new AppendRun(this.parts.publisher, end.chain, end.lastSequence, {
      limits: { records: this.options.maxWaiting ?? 10_000, bytes: MAX_WAITING_BYTES },
      maxInFlight: this.options.maxInFlight ?? 512,
      fenceById: !end.replicated,
      appended: (record) => this.appended(record),
      hasRoom: () => this.goOn(run),
    });
    this.run = run;
    try {
      this.streams = await this.streamsAfter(end, run);
      await Promise.all(this.streams.map((stream) => stream.open()));
      await Promise.race([run.failed, this.keepChecking(run, AbortSignal.any([signal, ended.signal]))]);
    } finally {
      ended.abort();
      for (const stream of this.streams) stream.close();
      await run.stop();
      this.left = run.unrecorded;
      this.run = undefined;
    }
  }

  private async streamsAfter(end: TrailEnd, run: AppendRun): Promise<AuditedStream[]> {
    const manager = await jetstreamManager(this.parts.connection, { checkAPI: false });
    const append = (...record: Parameters<AppendRun['append']>) => {
      if (!run.append(...record)) for (const stream of this.streams) stream.close();
    };
    return Promise.all(
      AUDITED_STREAMS.map(async (name) => {
        const { created, state } = await manager.streams.info(name);
        const last = end.lastRecords.get(name);
        const { seen, madeAnew } = resumeAfter(last, { lastSequence: state.last_seq, createdAt: Date.parse(created) });
        const observer = {
          fact: (message: JsMsg) => append(recordOf(factOf(name, message)), traceparentOf(message)),
          missing: (of: string, first: number, to: number) => append(gapOf(of, first, to)),
          madeAnew: (of: string, first: number) => append(endOf(of, first)),
        };
        const stream = new AuditedStream(this.parts.connection, name, seen, observer, markOf(last));
        if (madeAnew) stream.startOver();
        return stream;
      }),
    );
  }

  /** The queue that was full has room again. */
  private goOn(run: AppendRun): void {
    for (const stream of this.streams) {
      stream.open().catch((error: unknown) => run.end(error));
    }
  }

  private async keepChecking(run: AppendRun, signal: AbortSignal): Promise<void> {
    for (;;) {
      await delay(this.options.checkEveryMs ?? 2_000, undefined, { signal });
      await Promise.all(this.streams.map((stream) => stream.check()));
      this.left = run.unrecorded;
      if (run.waiting === 0) await this.checkEnd(run);
    }
  }

  /** With nothing to append, no refusal would tell that the trail is not what it was. */
  private async checkEnd(run: AppendRun): Promise<void> {
    const expected = run.lastSequence;
    const actual = await lastSequenceOfTrail(this.parts.trail);
    if (run.waiting > 0 || run.lastSequence !== expected) return;
    if (actual !== expected) throw new TrailMoved(`the trail ends at ${actual}, not at ${expected}`);
    this.sayRecovered();
  }

  private appended(record: AuditRecord): void {
    this.position = record.position;
    this.sayRecovered();
    this.parts.metrics.appended(record);
    const { kind, stream, sequence, lastMissing } = record;
    if (kind === 'gap' && lastMissing !== undefined) {
      this.parts.logger.warn(
        { stream, from: sequence, to: lastMissing },
        'facts were gone before they could be recorded',
      );
    } else if (kind === 'gap') {
      this.parts.logger.error(
        { stream, from: sequence },
        'a stream was deleted and made anew, recording it from its start',
      );
    } else if (record.payload === undefined) {
      this.parts.logger.warn(
        { stream, sequence, subject: record.subject },
        'recorded without its payload, which is too large',
      );
    }
  }

  private sayTrouble(error: unknown, moved: boolean): void {
    const message = error instanceof Error ? error.message : String(error);
    if (moved) {
      this.parts.logger.warn({ reason: message }, 'the audit trail does not end where it did, reading its end again');
      return;
    }
    // Once per trouble, however often it is tried.
    if (this.problem === undefined)
      this.parts.logger.error({ err: error }, 'nothing can be recorded just now, trying again');
    this.problem = message;
  }

  private sayRecovered(): void {
    if (this.problem === undefined) return;
    this.problem = undefined;
    this.parts.logger.info({ position: this.position }, 'recording again');
  }

  private sayDamage({ damaged, lastSequence }: TrailEnd): void {
    if (damaged && !this.damaged) {
      this.parts.logger.error(
        { lastSequence },
        'the audit trail ends with messages that audit did not write: run `stance audit verify`',
      );
    }
    this.damaged = damaged;
  }
}

function markOf(record: AuditRecord | undefined): FactMark | undefined {
  if (record?.kind !== 'event' || record.storedAt === undefined) return undefined;
  return { sequence: record.sequence, storedAt: Date.parse(record.storedAt) };
}

function factOf(stream: string, message: JsMsg) {
  return {
    stream,
    sequence: message.seq,
    subject: message.subject,
    storedAtNanos: message.timestampNanos,
    payload: message.data,
  };
}

function traceparentOf({ headers }: JsMsg): string | undefined {
  const traceparent = headers?.get('traceparent');
  return traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : undefined;
}
