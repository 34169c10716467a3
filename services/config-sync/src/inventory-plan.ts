import { createHash } from 'node:crypto';
import type { Device } from './inventory.js';

/** What is remembered of a recorded device: enough to see whether it changed. */
export interface RecordedDevice {
  readonly deviceId: string;
  readonly enrolled: boolean;
  /** Recorded from a file, and not by another importer, whose devices a file says nothing about. */
  readonly fromFile: boolean;
  readonly digest: string;
}

/** What a valid inventory asks for. */
export type InventoryPlan =
  | { readonly ok: true; readonly record: readonly Device[]; readonly retire: readonly string[] }
  | { readonly ok: false; readonly reason: string };

/** Fewer enrolled devices than this may retire in any number: one of nine is more than a tenth. */
const SMALLEST_LIMITED_INVENTORY = 10;

/**
 * What differs between a file and what is recorded; devices of other importers are left alone unless the file lists them. A file without devices, or one that would retire more than
 * `retirementLimit` (a share) of the enrolled devices at once, asks for nothing: it is more likely to be truncated, or
 * another file, than true.
 */
export function planInventory(
  wanted: ReadonlyMap<string, Device>,
  recorded: Iterable<RecordedDevice>,
  retirementLimit: number,
): InventoryPlan {
  const unchanged = new Set<string>();
  const retire: string[] = [];
  let enrolled = 0;
  for (const stored of recorded) {
    if (!stored.enrolled) continue;
    const device = wanted.get(stored.deviceId);
    if (stored.fromFile || device !== undefined) enrolled += 1;
    if (device === undefined && stored.fromFile) retire.push(stored.deviceId);
    else if (device !== undefined && digestOf(device) === stored.digest) unchanged.add(stored.deviceId);
  }
  const reason = tooMany(retire.length, enrolled, wanted.size, retirementLimit);
  if (reason !== undefined) return { ok: false, reason };
  return { ok: true, record: [...wanted.values()].filter(({ deviceId }) => !unchanged.has(deviceId)), retire };
}

function tooMany(retired: number, enrolled: number, wanted: number, limit: number): string | undefined {
  if (retired > 0 && wanted === 0 && limit < 1) {
    return `it holds no device and would retire all ${enrolled}: an empty inventory is not taken for a decision`;
  }
  if (enrolled < SMALLEST_LIMITED_INVENTORY || retired <= limit * enrolled) return undefined;
  return (
    `it would retire ${retired} of ${enrolled} devices at once, more than ${Math.round(limit * 1000) / 10} %: if that is ` +
    'meant, raise STANCE_RETIREMENT_LIMIT for one start'
  );
}

/** Equal for equal devices, whatever the order in which fields were written. */
export function digestOf(device: Device): string {
  return createHash('sha256')
    .update(JSON.stringify(inFixedOrder(device)))
    .digest('base64');
}

function inFixedOrder(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, field]) => [name, inFixedOrder(field)]);
}
