import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { BUCKETS, encodeToken } from '@stance/contracts';

export interface LeaseOptions {
  /** What may have one holder only, as in `policy-engine` or `sentinelone-poller.sentinelone`. */
  readonly name: string;
  /** Who asks, for people who look into the bucket. */
  readonly holder: string;
  /** How long the lease outlives its last renewal; whole seconds, 3 s by default. */
  readonly ttlMs?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_TTL_MS = 3_000;
const RETRY_MS = 250;
/** The share of the TTL after which a lease that was not renewed counts as lost. */
const LOST_AFTER = 0.8;
const WRONG_LAST_SEQUENCE = new Set([10071, 10164]);

/**
 * The right to be the only active replica: a key that lives for its TTL and is renewed by compare-and-set.
 *
 * A lease narrows down who writes; what makes two writers harmless is that every write states what it replaces.
 */
export class Lease {
  private renewal: NodeJS.Timeout | undefined;
  private renewing: Promise<void> = Promise.resolve();
  private expiry: NodeJS.Timeout | undefined;
  private released = false;
  private markLost: (reason: string) => void = () => undefined;
  /** Resolves with the reason when the lease is not ours any more; never after {@link release}. */
  readonly lost: Promise<string>;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly options: Required<Omit<LeaseOptions, 'signal'>>,
    private sequence: number,
    /** Rises with every holder. */
    readonly epoch: number,
    renewedAt: number,
  ) {
    this.lost = new Promise((resolve) => (this.markLost = resolve));
    this.scheduleExpiry(renewedAt);
    this.scheduleRenewal();
  }

  /** Waits until the lease is free, and takes it. Rejects only when `signal` aborts. */
  static async acquire(connection: NatsConnection, options: LeaseOptions): Promise<Lease> {
    const complete = { ttlMs: DEFAULT_TTL_MS, ...options };
    for (;;) {
      options.signal?.throwIfAborted();
      const startedAt = performance.now();
      const sequence = await tryAcquire(connection, complete);
      if (sequence !== undefined) {
        const lease = new Lease(connection, complete, sequence, sequence, startedAt);
        if (options.signal?.aborted) await lease.release();
        options.signal?.throwIfAborted();
        return lease;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Gives the lease back, so that a standby need not wait for it to run out. */
  async release(): Promise<void> {
    if (this.released) return;
    this.end();
    // A renewal under way moves the sequence that giving back has to name.
    await this.renewing;
    try {
      await put(this.connection, this.options, this.sequence, { deleted: true });
    } catch (error) {
      // Whoever else has it, or no server: it runs out by itself.
      if (!(error instanceof Error)) throw error;
    }
  }

  private scheduleRenewal(afterMs = this.options.ttlMs / 3): void {
    this.renewal = setTimeout(() => {
      this.renewing = this.renew();
    }, afterMs);
  }

  /** Without a renewal the lease counts as lost before the server lets another have it. */
  private scheduleExpiry(renewedAt: number): void {
    clearTimeout(this.expiry);
    const leftMs = renewedAt + this.options.ttlMs * LOST_AFTER - performance.now();
    this.expiry = setTimeout(() => this.lose('it could not be renewed in time: NATS does not answer'), leftMs);
  }

  private async renew(): Promise<void> {
    const startedAt = performance.now();
    try {
      this.sequence = await put(this.connection, this.options, this.sequence);
      if (this.released) return;
      this.scheduleExpiry(startedAt);
      this.scheduleRenewal();
    } catch (error) {
      if (this.released) return;
      // Somebody else has it, or a renewal that was not confirmed arrived after all: either way we cannot know.
      if (isRefusal(error)) return this.lose('another replica took it');
      this.scheduleRenewal(RETRY_MS);
    }
  }

  private lose(reason: string): void {
    this.end();
    this.markLost(reason);
  }

  private end(): void {
    this.released = true;
    clearTimeout(this.renewal);
    clearTimeout(this.expiry);
  }
}

async function tryAcquire(
  connection: NatsConnection,
  options: Required<Omit<LeaseOptions, 'signal'>>,
): Promise<number | undefined> {
  try {
    return await put(connection, options, await sequenceOfFreeKey(connection, options.name));
  } catch (error) {
    // Held by another, or no server just now: both are a reason to try again.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** The sequence that a first write replaces: 0, or that of the mark which a release left. */
async function sequenceOfFreeKey(connection: NatsConnection, name: string): Promise<number> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const last = await manager.streams.getMessage(`KV_${BUCKETS.LEASES.name}`, { last_by_subj: subjectOf(name) });
  return last !== null && last.header.get('KV-Operation') === 'DEL' ? last.seq : 0;
}

async function put(
  connection: NatsConnection,
  { name, holder, ttlMs }: Required<Omit<LeaseOptions, 'signal'>>,
  expectedSequence: number,
  { deleted = false } = {},
): Promise<number> {
  const marks = headers();
  if (deleted) marks.set('KV-Operation', 'DEL');
  const { seq } = await jetstream(connection).publish(subjectOf(name), deleted ? '' : JSON.stringify({ holder }), {
    headers: marks,
    ttl: `${Math.ceil(ttlMs / 1_000)}s`,
    expect: { lastSubjectSequence: expectedSequence },
    timeout: Math.min(1_000, ttlMs / 3),
  });
  return seq;
}

function subjectOf(name: string): string {
  return `$KV.${BUCKETS.LEASES.name}.${name.split('.').map(encodeToken).join('.')}`;
}

function isRefusal(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code);
}
