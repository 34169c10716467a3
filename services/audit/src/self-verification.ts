import { setTimeout as delay } from 'node:timers/promises';
import type { AuditVerification, TrailMark, VerifyTrailOptions } from './verify-trail.js';

/** Where findings are told. */
type Tell = (fields: object, message: string) => void;

export interface SelfVerificationParts {
  readonly verify: (
    options: Required<Pick<VerifyTrailOptions, 'signal' | 'rest'>> & Pick<VerifyTrailOptions, 'before'>,
  ) => Promise<AuditVerification>;
  /** Whether recording needs the time now. */
  readonly isBusy: () => boolean;
  readonly logger: { readonly error: Tell; readonly info: Tell; readonly warn: Tell };
  /** From the end of one verification to the start of the next, in milliseconds. */
  readonly everyMs: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What the last verification found. */
export interface VerificationStatus extends Pick<AuditVerification, 'intact' | 'records' | 'gaps' | 'firstBad'> {
  readonly verifiedAt: string;
}

/** Rests so many times as long as it worked: it takes a fifth of the time at most. */
const RESTS = 4;
/** Between two looks whether recording still needs the time. */
const GIVE_WAY_MS = 250;
/** After a verification that came to no result. */
const RETRY_MS = 60_000;

/**
 * Has the trail verified now and again in the background, from its first record to its end. What it finds is told, and
 * changes nothing else: facts go on being recorded behind a bad record, and nothing in the line waits for audit. Each
 * verification holds the trail to the one before. What outlives the process is the log: a mark kept in NATS would be in
 * the hands of those whom it is to witness against.
 */
export class SelfVerification {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private last: { readonly at: number; readonly found: AuditVerification } | undefined;
  private since: number;
  /** What the last intact verification saw; of the first one if none was. A trail that lost it stays damaged. */
  private mark: TrailMark | undefined;

  constructor(private readonly parts: SelfVerificationParts) {
    this.since = this.now();
  }

  /** Begins with a first verification at once. */
  start(): void {
    this.since = this.now();
    this.running = this.keepVerifying();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** `undefined` until the first verification has come to its end. */
  status(): VerificationStatus | undefined {
    if (this.last === undefined) return undefined;
    const { intact, records, gaps, firstBad } = this.last.found;
    return {
      verifiedAt: new Date(this.last.at).toISOString(),
      intact,
      records,
      gaps,
      ...(firstBad && { firstBad }),
    };
  }

  /** Milliseconds since the last verification came to its end; since {@link start} before the first. */
  ageMs(): number {
    return this.now() - (this.last?.at ?? this.since);
  }

  private async keepVerifying(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      let waitMs = this.parts.everyMs;
      try {
        this.tell(await this.verifyOnce(signal));
      } catch (error) {
        if (signal.aborted) return;
        waitMs = Math.min(waitMs, RETRY_MS);
        this.parts.logger.warn({ err: error }, 'the audit trail could not be verified, trying again later');
      }
      await delay(waitMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private verifyOnce(signal: AbortSignal): Promise<AuditVerification> {
    let workingSince = performance.now();
    const rest = async (): Promise<void> => {
      await delay((performance.now() - workingSince) * RESTS, undefined, { signal });
      while (this.parts.isBusy()) await delay(GIVE_WAY_MS, undefined, { signal });
      workingSince = performance.now();
    };
    return this.parts.verify({ signal, rest, ...(this.mark && { before: this.mark }) });
  }

  private tell(found: AuditVerification): void {
    const { logger } = this.parts;
    this.last = { at: this.now(), found };
    const { intact, records, gaps, lastHash, firstBad } = found;
    if (intact || this.mark === undefined) this.mark = { records, lastHash };
    if (intact) logger.info({ records, gaps, lastHash }, 'the audit trail is intact');
    else logger.error({ firstBad, records, lastHash }, 'the audit trail is not intact: see `stance audit verify`');
  }

  private now(): number {
    return (this.parts.now ?? Date.now)();
  }
}
