import type { AgentMatched, DataOf } from '@stance/contracts';
import type { Identity } from './identity.js';
import { keyValues, type MatchKey } from './match-keys.js';

type Register = DataOf<typeof AgentMatched>;
export type Problem = NonNullable<Register['problem']>;
export type MatchedBy = NonNullable<Register['by']>;
export type Trust = NonNullable<Register['trust']>;

/** The device that an agent's own keys name, whoever else's keys name it. */
export type Claim =
  | { readonly kind: 'device'; readonly device: string; readonly by: MatchedBy; readonly trust: Trust }
  /** The keys name several devices; nobody can tell which one it is. */
  | { readonly kind: 'ambiguous'; readonly devices: readonly string[]; readonly problem: Problem }
  | { readonly kind: 'nothing'; readonly problem: Problem };

/** Finds devices by the value of a key. */
export interface DeviceLookup {
  /** Enrolled devices that have this value of a key. */
  devicesWith(key: MatchKey, value: string): readonly string[];
  /** Whether the UUID stands in the device's certificate, and not only in the inventory. */
  isCertified(device: string, uuid: string): boolean;
}

/**
 * What an agent claims to be, by the first key that names a device. A key that names several devices decides nothing, and a
 * later key does not make up for it; nor does a first key count against which a later one names other devices only. Pure.
 */
export function claimOf(identity: Identity, keys: readonly MatchKey[], lookup: DeviceLookup): Claim {
  const named = keys
    .map((key) => ({ key, devices: devicesNamed(key, identity, lookup) }))
    .filter(({ devices }) => devices.length > 0);
  const [first] = named;
  const [device] = first?.devices ?? [];
  if (first === undefined || device === undefined) {
    return { kind: 'nothing', problem: identity.serialProblem ?? 'no-device' };
  }
  if (first.devices.length > 1) {
    const problem = first.key === 'serial' ? 'duplicate-device-serial' : 'several-devices';
    return { kind: 'ambiguous', devices: first.devices, problem };
  }
  if (named.some(({ devices }) => !devices.includes(device))) {
    const all = [...new Set(named.flatMap(({ devices }) => devices))].toSorted();
    return { kind: 'ambiguous', devices: all, problem: 'conflicting-keys' };
  }
  return { kind: 'device', device, by: first.key, trust: trustIn(first.key, identity, device, lookup) };
}

function devicesNamed(key: MatchKey, identity: Identity, lookup: DeviceLookup): readonly string[] {
  const devices = keyValues(key, identity).flatMap((value) => lookup.devicesWith(key, value));
  return devices.length > 1 ? [...new Set(devices)].toSorted() : devices;
}

function trustIn(key: MatchKey, { uuid }: Identity, device: string, lookup: DeviceLookup): Trust {
  if (key === 'mac+hostname') return 'weak';
  return key === 'uuid' && uuid !== undefined && lookup.isCertified(device, uuid) ? 'verified' : 'reported';
}
