import type { Clock } from './clock.js';
import type { GatewayHold } from './hold/holds.js';
import type { OpenSessions } from './open-sessions.js';
import { Slices } from './slices.js';

/** How long a count is good for, in milliseconds. */
const KEEP_MS = 1_000;

export interface CountedHold extends GatewayHold {
  /** Open sessions of its devices at the gateway. */
  readonly sessions: number;
}

/**
 * Counts the sessions that gateways hold back. A hundred thousand devices may wait while several people look on: it counts
 * once for all who ask within a second, and gives way to messages meanwhile.
 */
export class HeldSessions {
  private counts = new Map<string, { readonly at: number; readonly sessions: Promise<number> }>();

  constructor(
    private readonly sessions: Pick<OpenSessions, 'of'>,
    private readonly now: Clock,
  ) {}

  async countedIn(holds: readonly GatewayHold[]): Promise<CountedHold[]> {
    const now = this.now();
    const last = this.counts;
    // Made anew, so that nothing is kept of holds that are over.
    this.counts = new Map();
    return Promise.all(
      holds.map(async (hold) => {
        const key = `${hold.gateway}\n${hold.until}`;
        const known = last.get(key);
        const isGood = known !== undefined && now - known.at < KEEP_MS;
        const count = isGood ? known : { at: now, sessions: this.count(hold, now) };
        this.counts.set(key, count);
        return { ...hold, sessions: await count.sessions };
      }),
    );
  }

  private async count({ gateway, devices }: GatewayHold, now: number): Promise<number> {
    const slices = new Slices();
    let count = 0;
    for (const deviceId of devices) {
      if (slices.isOver) await slices.next();
      count += this.sessions.of(deviceId, now).filter((session) => session.gateway === gateway).length;
    }
    return count;
  }
}
