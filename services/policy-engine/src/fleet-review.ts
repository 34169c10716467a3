import type { Cause } from '@stance/contracts';
import type { Logger } from '@stance/service-kit';
import type { DevicesToLookAt } from './known-devices.js';
import { Slices } from './slices.js';

/** Devices decided about at the same time: what comes beside them waits for these at most. */
const CONCURRENCY = 2;
const RETRY_DELAY_MS = 1_000;

/** How far a review has come. */
export interface ReviewProgress {
  readonly reviewed: number;
  readonly total: number;
  readonly startedAt: string;
}

/**
 * Decides about every device again, in the background: after a policy change, and whenever a replica becomes active, so that
 * whatever its predecessor left half done is derived again. A new review replaces the one under way.
 */
export class FleetReview {
  private generation = 0;
  private current: ReviewProgress | undefined = due();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly devices: () => DevicesToLookAt,
    private readonly evaluate: (deviceId: string, input: string, cause: Cause) => Promise<void>,
    private readonly logger: Logger,
    private readonly concurrency = CONCURRENCY,
  ) {}

  /** `undefined` when none is under way, nor due: a replica that has just become active has not reviewed anything yet. */
  get progress(): ReviewProgress | undefined {
    return this.current;
  }

  /** `reason` becomes part of the ids of what is written. */
  start(reason: string, cause: Cause): void {
    this.generation += 1;
    const mine = this.generation;
    this.running = this.running.then(() => this.reviewAll(mine, reason, cause));
  }

  async stop(): Promise<void> {
    this.generation += 1;
    await this.running;
    this.current = due();
  }

  /** A review that could not even begin must not keep the next one from it. */
  private async reviewAll(mine: number, reason: string, cause: Cause): Promise<void> {
    try {
      await this.review(mine, reason, cause);
    } catch (error) {
      this.current = undefined;
      this.logger.error({ reason, err: error }, 'a review of the fleet failed: decisions may be out of date');
    }
  }

  private async review(mine: number, reason: string, cause: Cause): Promise<void> {
    const { each, count } = this.devices();
    const startedAt = new Date().toISOString();
    const startedMs = performance.now();
    const devices = inTurn(each);
    const slices = new Slices();
    let reviewed = 0;
    if (count > 0) this.current = { reviewed, total: count, startedAt };
    const worker = async () => {
      // One after the other takes the next of the same devices.
      for (const deviceId of devices) {
        if (mine !== this.generation) return;
        // What reads nothing and writes nothing would not give way to messages otherwise.
        if (slices.isOver) await slices.next();
        if (deviceId === undefined) continue;
        await this.reviewOne(mine, deviceId, reason, cause);
        reviewed += 1;
        this.current = { reviewed, total: Math.max(count, reviewed), startedAt };
      }
    };
    await Promise.all(Array.from({ length: this.concurrency }, worker));
    this.current = undefined;
    if (mine === this.generation) {
      const ms = Math.round(performance.now() - startedMs);
      this.logger.info({ reason, devices: reviewed, ms }, 'decided about devices again');
    }
  }

  /** Tries until it is done: a device left out would keep a decision that no longer holds. */
  private async reviewOne(mine: number, deviceId: string, reason: string, cause: Cause): Promise<void> {
    while (mine === this.generation) {
      try {
        await this.evaluate(deviceId, reason, cause);
        return;
      } catch (error) {
        this.logger.warn({ deviceId, err: error }, 'cannot decide about a device yet, trying again');
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }
}

const due = (): ReviewProgress => ({ reviewed: 0, total: 0, startedAt: new Date().toISOString() });

/** Items that several take from, each one once. */
function* inTurn<Item>(each: Iterable<Item>): Generator<Item, void> {
  for (const item of each) yield item;
}
