import { randomUUID } from 'node:crypto';
import { jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { BUCKETS, encodeToken } from '@stance/contracts';
import { isWrongLastSequence } from './wrong-last-sequence.js';

export interface LeaseOptions {
  /** What may have one holder only, as in `policy-engine` or `sentinelone-poller.sentinelone`. */
  readonly name: string;
  /** Who asks, for people who look into the bucket. */
  readonly holder: string;
  /** How long the lease outlives its last renewal; whole seconds, 3 s by default. */
  readonly ttlMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Called when the lease could not even be asked for several times in a row, which is not the same as standing by for
   * another holder, with why and what to do; and with `undefined` when that is over.
   */
  readonly onTrouble?: (trouble: string | undefined) => void;
}

/** What a lease is written with. */
type LeaseKey = Required<Pick<LeaseOptions, 'name' | 'holder' | 'ttlMs'>>;

const DEFAULT_TTL_MS = 3_000;
const RETRY_MS = 250;
const READ_TIMEOUT_MS = 1_000;
/** The share of the TTL after which a lease that was not renewed counts as lost. */
const LOST_AFTER = 0.8;
/** Attempts in a row that got no answer, after which that is told: a server that is restarted needs a few. */
const TROUBLE_AFTER = 8;

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
  /** Renewals that nobody confirmed, by what they write: one of them may be stored. */
  private readonly unconfirmed = new Set<string>();
  private unconfirmedSince: number | undefined;
  private markLost: (reason: string) => void = () => undefined;
  /** Resolves with the reason when the lease is not ours any more; never after {@link release}. */
  readonly lost: Promise<string>;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly options: LeaseKey,
    private sequence: number,
    /** Rises with every holder. */
    readonly epoch: number,
    private renewedAt: number,
  ) {
    this.lost = new Promise((resolve) => (this.markLost = resolve));
    this.scheduleExpiry(renewedAt);
    this.scheduleRenewal();
  }

  /** Waits until the lease is free, and takes it. Rejects only when `signal` aborts. */
  static async acquire(connection: NatsConnection, options: LeaseOptions): Promise<Lease> {
    const { name, holder, ttlMs = DEFAULT_TTL_MS } = options;
    const complete = { name, holder, ttlMs };
    for (let unanswered = 0; ;) {
      options.signal?.throwIfAborted();
      const startedAt = performance.now();
      const { sequence, failure } = await tryAcquire(connection, complete);
      if (failure === undefined && unanswered >= TROUBLE_AFTER) options.onTrouble?.(undefined);
      unanswered = failure === undefined ? 0 : unanswered + 1;
      if (failure !== undefined && unanswered === TROUBLE_AFTER) options.onTrouble?.(troubleOf(name, failure));
      if (sequence !== undefined) {
        const lease = new Lease(connection, complete, sequence, sequence, startedAt);
        if (options.signal?.aborted) await lease.release();
        options.signal?.throwIfAborted();
        return lease;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Milliseconds until it ends unless it is renewed; 0 or less once another may have it. */
  get remainingMs(): number {
    return this.renewedAt + this.options.ttlMs - performance.now();
  }

  /** Gives the lease back, so that a standby need not wait for it to run out. */
  async release(): Promise<void> {
    if (this.released) return;
    this.end();
    // A renewal under way moves the sequence that giving back has to name.
    await this.renewing;
    try {
      await put(this.connection, this.options, this.sequence, undefined);
    } catch (error) {
      // Whoever else has it, or no server: it runs out by itself.
      if (!(error instanceof Error)) throw error;
    }
  }

  private scheduleRenewal(afterMs = this.options.ttlMs / 3): void {
    if (this.released) return;
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
    const value = valueOf(this.options.holder);
    try {
      this.renewed(await put(this.connection, this.options, this.sequence, value), startedAt);
      this.scheduleRenewal();
    } catch (error) {
      if (this.released) return;
      if (isWrongLastSequence(error)) return this.findRenewal();
      this.unconfirmed.add(value);
      this.unconfirmedSince ??= startedAt;
      this.scheduleRenewal(RETRY_MS);
    }
  }

  /** The key is not as it was left: by a renewal of ours that was stored and not confirmed, or by another replica. */
  private async findRenewal(): Promise<void> {
    let last: StoredMsg | null;
    try {
      last = await lastOf(this.connection, this.options.name);
    } catch {
      // No answer either: the next attempt is refused as well, and asks again until the lease has run out.
      this.scheduleRenewal(RETRY_MS);
      return;
    }
    if (this.released) return;
    if (last === null) return this.lose('its key is gone: it ran out, or the bucket was emptied');
    // As it was left: a replicated bucket also refuses while an earlier attempt is under way.
    if (last.seq === this.sequence) return this.scheduleRenewal(RETRY_MS);
    if (!this.unconfirmed.has(last.string())) return this.lose('another replica took it');
    // Which of them it was is not known: it lives for as long as the first of them would.
    this.renewed(last.seq, this.unconfirmedSince ?? performance.now());
    this.scheduleRenewal(0);
  }

  private renewed(sequence: number, startedAt: number): void {
    this.sequence = sequence;
    this.renewedAt = startedAt;
    this.unconfirmed.clear();
    this.unconfirmedSince = undefined;
    if (!this.released) this.scheduleExpiry(startedAt);
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

/** The sequence of our first write; neither while another holds the lease, and why when nobody answers. */
async function tryAcquire(connection: NatsConnection, key: LeaseKey): Promise<{ sequence?: number; failure?: Error }> {
  try {
    const free = await sequenceOfFreeKey(connection, key.name);
    return { sequence: await put(connection, key, free, valueOf(key.holder)) };
  } catch (error) {
    if (isWrongLastSequence(error)) return {};
    if (error instanceof Error) return { failure: error };
    throw error;
  }
}

function troubleOf(name: string, { message }: Error): string {
  return (
    `the lease ${name} cannot be asked for (${message}): check that NATS answers, that the bucket ${BUCKETS.LEASES.name} ` +
    'exists (`stance topology apply`) and that the NATS user may read and write it'
  );
}

/** The sequence that a first write replaces: 0, or that of the mark which a release left. */
async function sequenceOfFreeKey(connection: NatsConnection, name: string): Promise<number> {
  const last = await lastOf(connection, name);
  return last !== null && last.header.get('KV-Operation') === 'DEL' ? last.seq : 0;
}

/** What the key's leader has stored last. */
async function lastOf(connection: NatsConnection, name: string): Promise<StoredMsg | null> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: READ_TIMEOUT_MS });
  return manager.streams.getMessage(`KV_${BUCKETS.LEASES.name}`, { last_by_subj: subjectOf(name) });
}

/** Unlike any other, so that a write is known again by what it left. */
function valueOf(holder: string): string {
  return JSON.stringify({ holder, renewal: randomUUID() });
}

/** Writes the key, or with no value the mark that gives it back. */
async function put(
  connection: NatsConnection,
  { name, ttlMs }: LeaseKey,
  expectedSequence: number,
  value: string | undefined,
): Promise<number> {
  const marks = headers();
  if (value === undefined) marks.set('KV-Operation', 'DEL');
  const { seq } = await jetstream(connection).publish(subjectOf(name), value ?? '', {
    headers: marks,
    ttl: `${Math.ceil(ttlMs / 1_000)}s`,
    expect: { lastSubjectSequence: expectedSequence },
    // Leaves time for another attempt before the lease counts as lost.
    timeout: Math.min(1_000, ttlMs / 4),
  });
  return seq;
}

function subjectOf(name: string): string {
  return `$KV.${BUCKETS.LEASES.name}.${name.split('.').map(encodeToken).join('.')}`;
}
