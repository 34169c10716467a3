import type { Revisions } from './decision-cache.js';

/**
 * What a revocation leaves behind: its device is denied its resource until a decision comes whose revisions are both at
 * least the revocation's. No I/O and no clock.
 */
export class RevocationFloors {
  private readonly byDevice = new Map<string, Map<string, Revisions>>();

  /** Devices that wait for a decision. */
  get size(): number {
    return this.byDevice.size;
  }

  get(deviceId: string, resource: string): Revisions | undefined {
    return this.byDevice.get(deviceId)?.get(resource);
  }

  /** Raises the floor of a device and resource, unless the decision that is held already reaches it. */
  raise(deviceId: string, resource: string, floor: Revisions, held: Revisions | undefined): void {
    if (held !== undefined && reaches(held, floor)) return;
    let floors = this.byDevice.get(deviceId);
    if (floors === undefined) this.byDevice.set(deviceId, (floors = new Map<string, Revisions>()));
    const before = floors.get(resource);
    floors.set(resource, before === undefined ? floor : higher(before, floor));
  }

  /** Lets go of what a device's new decision reaches. */
  settle(deviceId: string, decision: Revisions): void {
    const floors = this.byDevice.get(deviceId);
    if (floors === undefined) return;
    for (const [resource, floor] of floors) if (reaches(decision, floor)) floors.delete(resource);
    if (floors.size === 0) this.byDevice.delete(deviceId);
  }

  clear(): void {
    this.byDevice.clear();
  }
}

function reaches(decision: Revisions, floor: Revisions): boolean {
  return decision.posture >= floor.posture && decision.policy >= floor.policy;
}

function higher(one: Revisions, other: Revisions): Revisions {
  return { posture: Math.max(one.posture, other.posture), policy: Math.max(one.policy, other.policy) };
}
