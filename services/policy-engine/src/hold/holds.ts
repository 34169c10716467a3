import type { Hold } from '@stance/policy';
import { LAST_MOMENT } from '../decision.js';
import { HOLD_WINDOW_MS, RevocationWindow, type Excess, type Wave } from './revocation-window.js';

/** Revocations of one gateway that wait together. Times in milliseconds. */
export interface GatewayHold {
  readonly gateway: string;
  readonly since: number;
  readonly until: number;
  /** Whose denials wait, by their stored decisions. */
  readonly devices: ReadonlySet<string>;
}

/** A hold that has just begun, and why. */
export interface BegunHold extends Hold, Excess {
  readonly gateway: string;
  readonly until: number;
}

/** A person's word that what a gateway holds is to be carried out. */
export interface Release {
  /** When it was given, in milliseconds. */
  readonly at: number;
  /** The end of the hold that it is about, in milliseconds; undefined for all that had begun by then. */
  readonly heldUntil: number | undefined;
}

/** A device whose sessions a gateway's policy would revoke. */
export interface Denial extends Omit<Wave, 'above'> {
  readonly gateway: string;
  readonly terms: Hold;
}

interface Room {
  readonly window: RevocationWindow;
  /** By their ends. */
  readonly holds: Map<number, { since: number; readonly devices: Set<string> }>;
}

/**
 * Which revocations wait, and until when. That a hold is on follows from the decisions that are stored and from what
 * operators did, so that a restart changes nothing; only what was revoked in the last minute is counted here. Pure: time is
 * given.
 */
export class Holds {
  private readonly rooms = new Map<string, Room>();
  private readonly heldAt = new Map<string, number>();

  constructor(
    /** The last release of a gateway. */
    private readonly releaseOf: (gateway: string) => Release | undefined,
    private readonly onBegin: (hold: BegunHold) => void,
  ) {}

  /** Until when a denial has to wait; undefined for one that is to be carried out now. */
  heldUntil({ gateway, terms, ...wave }: Denial, now: number): number | undefined {
    const { window, holds } = this.room(gateway);
    if (window.hasAdmitted(wave.deviceId, now)) return undefined;
    const running = this.running(gateway, now);
    if (running !== undefined) return running;
    const excess = window.admit({ ...wave, above: terms.above }, now);
    if (excess === undefined) return undefined;
    const until = Math.min(now + terms.for, LAST_MOMENT);
    window.restart();
    for (const [end, { devices }] of holds) if (devices.size === 0) holds.delete(end);
    holds.set(until, { since: now, devices: new Set() });
    this.onBegin({ gateway, until, ...terms, ...excess });
    return until;
  }

  /** Whether what was held until then is to be carried out: its time is over, or a person released it. */
  isOver(gateway: string, until: number, now: number): boolean {
    return until <= now || this.isReleased(gateway, until);
  }

  isReleased(gateway: string, until: number): boolean {
    const release = this.releaseOf(gateway);
    if (release === undefined) return false;
    // The very hold that the person saw, whatever the clocks say.
    if (until === release.heldUntil) return true;
    const since = this.rooms.get(gateway)?.holds.get(until)?.since;
    const isEarlier = release.heldUntil === undefined || until < release.heldUntil;
    return isEarlier && since !== undefined && since <= release.at;
  }

  /** Takes in what a device's stored decision holds, and since when at the latest. */
  stored(
    gateway: string,
    deviceId: string,
    held: { readonly until: number; readonly since: number } | undefined,
  ): void {
    const key = `${gateway}\n${deviceId}`;
    const before = this.heldAt.get(key);
    if (before !== undefined && before !== held?.until) {
      this.heldAt.delete(key);
      this.rooms.get(gateway)?.holds.get(before)?.devices.delete(deviceId);
    }
    if (held === undefined) return;
    const { holds } = this.room(gateway);
    const hold = holds.get(held.until) ?? { since: held.since, devices: new Set() };
    hold.since = Math.min(hold.since, held.since);
    hold.devices.add(deviceId);
    holds.set(held.until, hold);
    this.heldAt.set(key, held.until);
  }

  /** All in which something waits, those included that are being carried out. */
  list(): GatewayHold[] {
    return [...this.rooms].flatMap(([gateway, { holds }]) =>
      [...holds].filter(([, { devices }]) => devices.size > 0).map(([until, hold]) => ({ gateway, until, ...hold })),
    );
  }

  /** The end of the hold that is on. One in which nothing waits is over, unless it has just begun. */
  private running(gateway: string, now: number): number | undefined {
    const ends = [...this.room(gateway).holds]
      .filter(([until, { since, devices }]) => {
        const isOn = devices.size > 0 || now - since < HOLD_WINDOW_MS;
        return isOn && !this.isOver(gateway, until, now);
      })
      .map(([until]) => until);
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  private room(gateway: string): Room {
    const known = this.rooms.get(gateway);
    if (known !== undefined) return known;
    const room: Room = { window: new RevocationWindow(), holds: new Map() };
    this.rooms.set(gateway, room);
    return room;
  }
}
