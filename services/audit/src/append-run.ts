import { linkTo, type AuditRecord, type ChainEnd, type RecordContent } from '@stance/audit-chain';
import { AuditRecorded } from '@stance/contracts';
import type { EventPublisher } from '@stance/jetstream';
import { AppendQueue, type QueueLimits, type Waiting } from './append-queue.js';

/** Thrown when the trail does not end where it was taken to end: somebody else wrote, or it was deleted. */
export class TrailMoved extends Error {
  override readonly name = 'TrailMoved';
}

export interface AppendRunOptions {
  /**
   * Whether each record names the id of the one before it. Without, records in flight together are fenced by sequence
   * alone. Never on a replicated stream: nats-server 2.15.1 stores nothing more in one after it refused an id (tried).
   */
  readonly fenceById: boolean;
  readonly limits: QueueLimits;
  /** Appends that await their confirmation at a time. */
  readonly maxInFlight: number;
  readonly appended: (record: AuditRecord) => void;
  /** Called when the queue that was full is nearly empty. */
  readonly hasRoom: () => void;
}

/** Characters of payload that await their confirmation at a time: a few of the largest, or hundreds of usual ones. */
const MAX_IN_FLIGHT = 16 * 1024 * 1024;

/**
 * Appends to the trail from one known end, many records in flight: each states the sequence and the id of the one before
 * it, so that the server takes all of them in order or none after the first that fails. Then the run is over.
 */
export class AppendRun {
  /** Rejects with what ended the run; never resolves. */
  readonly failed: Promise<never>;
  private readonly queue: AppendQueue;
  private readonly inFlight = new Set<Promise<void>>();
  private fail: (error: unknown) => void = () => undefined;
  private inFlightCharacters = 0;
  private over = false;
  private wasFull = false;
  private taken = 0;
  private stored = 0;
  /** Of the record sent last; after a while the server forgets ids, so that the first append of a run names none. */
  private lastId: string | undefined;

  constructor(
    private readonly publisher: EventPublisher,
    private chain: ChainEnd,
    private expectedEnd: number,
    private readonly options: AppendRunOptions,
  ) {
    this.queue = new AppendQueue(options.limits);
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => undefined);
  }

  get waiting(): number {
    return this.queue.length + this.inFlight.size;
  }

  /** Records taken in that are not known to be stored; also when the run is over. */
  get unrecorded(): number {
    return this.taken - this.stored;
  }

  /** The trail's last sequence once everything sent is stored. */
  get lastSequence(): number {
    return this.expectedEnd;
  }

  /** Takes a record in; `false` when nothing more should come before `hasRoom`. */
  append(content: RecordContent, traceparent?: string): boolean {
    if (this.over) return false;
    this.queue.push({ content, traceparent });
    this.taken += 1;
    this.sendWaiting();
    this.wasFull ||= this.queue.isFull;
    return !this.wasFull;
  }

  /** Ends the run for a reason of its user's. */
  end(error: unknown): void {
    this.over = true;
    this.fail(error);
  }

  /** Appends nothing more; resolves when the fate of everything sent is known. */
  async stop(): Promise<void> {
    this.over = true;
    await Promise.allSettled(this.inFlight);
  }

  private sendWaiting(): void {
    while (!this.over && this.inFlight.size < this.options.maxInFlight && this.inFlightCharacters < MAX_IN_FLIGHT) {
      const next = this.queue.shift();
      if (next === undefined) break;
      const characters = next.content.payload?.length ?? 0;
      this.inFlightCharacters += characters;
      const sending = this.send(next).finally(() => {
        this.inFlight.delete(sending);
        this.inFlightCharacters -= characters;
        this.sendWaiting();
      });
      this.inFlight.add(sending);
    }
    if (!this.wasFull || this.over || !this.queue.hasRoom) return;
    this.wasFull = false;
    this.options.hasRoom();
  }

  private async send({ content, traceparent }: Waiting): Promise<void> {
    const record = linkTo(this.chain, content);
    // Names the record and, by its hash, all before it: what has this id is the same record, whoever wrote it.
    const id = `audit:${record.position}:${record.hash}`;
    const expectation = {
      expectedLastSequence: this.expectedEnd,
      ...(this.options.fenceById && this.lastId && { expectedLastId: this.lastId }),
    };
    this.chain = record;
    this.expectedEnd += 1;
    this.lastId = id;
    try {
      const cause = { traceparent };
      const { sequence } = await this.publisher.publish(AuditRecorded, record, { id, cause, ...expectation });
      if (sequence !== expectation.expectedLastSequence + 1) {
        throw new TrailMoved(`position ${record.position} was stored as ${sequence} before`);
      }
      this.stored += 1;
      if (!this.over) this.options.appended(record);
    } catch (error) {
      this.end(error);
    }
  }
}
