import { randomUUID } from 'node:crypto';
import type { SessionKey } from '@stance/gateway-sdk';
import { EMERGENCY_GRANT } from '../access/access.js';
import type { Entry } from './break-glass-file.js';

/** What lets a device in to a resource: entries that hold at the same time, or follow each other without a gap, are one. */
interface Grant {
  readonly grantId: string;
  /** The one that ends last comes first. */
  readonly entries: readonly Entry[];
}

/** What is different from before. */
export interface Turn {
  readonly begun: readonly Entry[];
  readonly ended: readonly Entry[];
  /** Of devices and resources that no entry speaks of any more. */
  readonly endedGrants: readonly string[];
}

/** The entries that hold now. */
export class HoldingEntries {
  private byKey: ReadonlyMap<string, Entry> = new Map();
  private grants: ReadonlyMap<string, Grant> = new Map();

  get all(): readonly Entry[] {
    return [...this.byKey.values()];
  }

  /** The entry that lets a device in at this time (milliseconds since 1970). */
  find({ deviceId, resource }: SessionKey, now: number): { grantId: string; entry: Entry } | undefined {
    if (this.grants.size === 0) return undefined;
    const grant = this.grants.get(placeOf(deviceId, resource));
    const entry = grant?.entries[0];
    return grant !== undefined && entry !== undefined && entry.until > now
      ? { grantId: grant.grantId, entry }
      : undefined;
  }

  /** From now on these hold, as far as they are not over. */
  replace(entries: readonly Entry[], now: number): Turn {
    const holding = new Map(entries.filter(({ until }) => until > now).map((entry) => [entryKey(entry), entry]));
    const grants = this.grantsOf(holding.values());
    const turn = {
      begun: [...holding].filter(([key]) => !this.byKey.has(key)).map(([, entry]) => entry),
      ended: [...this.byKey].filter(([key]) => !holding.has(key)).map(([, entry]) => entry),
      endedGrants: [...this.grants].filter(([place]) => !grants.has(place)).map(([, { grantId }]) => grantId),
    };
    this.byKey = holding;
    this.grants = grants;
    return turn;
  }

  private grantsOf(entries: Iterable<Entry>): Map<string, Grant> {
    const byPlace = Map.groupBy(entries, ({ device, resource }) => placeOf(device, resource));
    return new Map(
      [...byPlace].map(([place, those]) => [
        place,
        {
          grantId: this.grants.get(place)?.grantId ?? `${EMERGENCY_GRANT}${randomUUID()}`,
          entries: those.toSorted((a, b) => b.until - a.until),
        },
      ]),
    );
  }
}

/** What makes an entry another one. */
export function entryKey({ device, resource, until, by, reason }: Entry): string {
  return JSON.stringify([device, resource, until, by, reason]);
}

function placeOf(device: string, resource: string): string {
  return JSON.stringify([device, resource]);
}
