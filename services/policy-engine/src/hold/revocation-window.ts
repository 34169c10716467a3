/** How long revocations count together, in milliseconds. */
export const HOLD_WINDOW_MS = 60_000;

interface Counted {
  readonly at: number;
  /** How many devices had open sessions before its own were revoked. */
  readonly open: number;
}

/** A device whose sessions would be revoked, beside all that have open ones at their gateway. */
export interface Wave {
  readonly deviceId: string;
  readonly open: number;
  /** The share above which revocations are held, above 0 and up to 1. */
  readonly above: number;
}

/** What the last minute of a gateway holds against a further revocation. */
export interface Excess {
  /** Devices whose sessions would be revoked within the minute, this one included. */
  readonly devices: number;
  /** Devices with open sessions at the start of it. */
  readonly open: number;
}

/**
 * The devices of one gateway whose sessions were revoked in the last minute, as far as they count: each once, however many
 * sessions it has, so that nobody buys a hold by opening more. One device alone is never too much, whatever its share: a
 * mistake shows in several. Pure: time is given.
 */
export class RevocationWindow {
  /** By device, the oldest first. */
  private readonly counted = new Map<string, Counted>();
  /** Carried out before the last hold began, which was the answer to them. */
  private readonly answered = new Map<string, number>();

  /** Whether the device was let through to be revoked within the last minute: deciding again is no further wave. */
  hasAdmitted(deviceId: string, now: number): boolean {
    this.forget(now);
    return this.counted.has(deviceId) || this.answered.has(deviceId);
  }

  /** Counts the device as revoked, or tells by how much that would be too many and counts nothing. */
  admit({ deviceId, open, above }: Wave, now: number): Excess | undefined {
    if (this.hasAdmitted(deviceId, now)) return undefined;
    const [oldest] = this.counted.values();
    const wave: Excess = { devices: this.counted.size + 1, open: oldest?.open ?? open };
    if (isAbove(wave, above) && this.counted.size > 0) return wave;
    this.counted.set(deviceId, { at: now, open });
    return undefined;
  }

  /** Counts anew from here on. */
  restart(): void {
    for (const [deviceId, { at }] of this.counted) this.answered.set(deviceId, at);
    this.counted.clear();
  }

  private forget(now: number): void {
    for (const [deviceId, { at }] of this.counted) {
      if (at + HOLD_WINDOW_MS > now) break;
      this.counted.delete(deviceId);
    }
    for (const [deviceId, at] of this.answered) {
      if (at + HOLD_WINDOW_MS > now) break;
      this.answered.delete(deviceId);
    }
  }
}

/** In whole percent, as policies say it: 0.29 of 100 would be 28.999... */
function isAbove({ devices, open }: Excess, above: number): boolean {
  return devices * 100 > Math.round(above * 100) * open;
}
