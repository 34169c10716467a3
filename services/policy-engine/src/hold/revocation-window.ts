/** How long revocations count together, in milliseconds. */
export const HOLD_WINDOW_MS = 60_000;

interface Counted {
  readonly deviceId: string;
  readonly at: number;
  /** How many sessions were open before it was revoked. */
  readonly open: number;
}

/** The sessions of one device that would be revoked, beside all that are open at their gateway. */
export interface Wave {
  readonly deviceId: string;
  /** One name per session. */
  readonly sessions: readonly string[];
  readonly open: number;
  /** The share above which revocations are held, above 0 and up to 1. */
  readonly above: number;
}

/** What the last minute of a gateway holds against a further revocation. */
export interface Excess {
  /** Sessions that would be revoked within the minute, these included. */
  readonly sessions: number;
  /** Sessions that were open at the start of it. */
  readonly open: number;
}

/**
 * The sessions of one gateway that were revoked in the last minute, as far as they count. One device alone is never too
 * much, whatever its share: a mistake shows in several. Pure: time is given.
 */
export class RevocationWindow {
  /** By session, the oldest first. */
  private readonly counted = new Map<string, Counted>();
  /** Carried out before the last hold began, which was the answer to them. */
  private readonly answered = new Map<string, number>();

  /** Whether these sessions were let through to be revoked within the last minute: deciding again is no further wave. */
  hasAdmitted(sessions: readonly string[], now: number): boolean {
    this.forget(now);
    return sessions.every((session) => this.isAdmitted(session));
  }

  /** Counts the sessions as revoked, or tells by how much that would be too many and counts nothing. */
  admit({ deviceId, sessions, open, above }: Wave, now: number): Excess | undefined {
    this.forget(now);
    const further = sessions.filter((session) => !this.isAdmitted(session));
    const [oldest] = this.counted.values();
    const wave: Excess = { sessions: this.counted.size + further.length, open: oldest?.open ?? open };
    if (isAbove(wave, above) && this.countsAnotherThan(deviceId)) return wave;
    for (const session of further) this.counted.set(session, { deviceId, at: now, open });
    return undefined;
  }

  /** Counts anew from here on. */
  restart(): void {
    for (const [session, { at }] of this.counted) this.answered.set(session, at);
    this.counted.clear();
  }

  private isAdmitted(session: string): boolean {
    return this.counted.has(session) || this.answered.has(session);
  }

  private countsAnotherThan(deviceId: string): boolean {
    for (const counted of this.counted.values()) if (counted.deviceId !== deviceId) return true;
    return false;
  }

  private forget(now: number): void {
    for (const [session, { at }] of this.counted) {
      if (at + HOLD_WINDOW_MS > now) break;
      this.counted.delete(session);
    }
    for (const [session, at] of this.answered) {
      if (at + HOLD_WINDOW_MS > now) break;
      this.answered.delete(session);
    }
  }
}

/** In whole percent, as policies say it: 0.29 of 100 would be 28.999... */
function isAbove({ sessions, open }: Excess, above: number): boolean {
  return sessions * 100 > Math.round(above * 100) * open;
}
