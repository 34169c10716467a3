import type { DataOf, DecisionChanged, DeviceProof } from '@stance/contracts';
import { RulingTable, type Rulings } from './ruling-table.js';

/** How new a decision is: of which posture and of which policy. */
export interface Revisions {
  readonly posture: number;
  readonly policy: number;
}

/** A device's last decision, kept small: a gateway may hold a million. */
export interface CachedDecision {
  readonly rulings: Rulings;
  /** The user whom rulings for the owner mean. */
  readonly owner: string | undefined;
  /** The least proof of the device that counts. */
  readonly identity: DeviceProof | undefined;
  readonly posture: number;
  readonly policy: number;
  /** Milliseconds since 1970; infinite where time alone changes nothing. */
  readonly reviewAt: number;
  /** Its sequence in the stream. */
  readonly sequence: number;
  /** False for a message that is no decision: the device is denied everything until a readable one comes. */
  readonly readable: boolean;
}

const NOTHING: Rulings = new Map();

/** The last decision of each device at one gateway. No I/O and no clock. */
export class DecisionCache {
  private readonly decisions = new Map<string, CachedDecision>();
  private readonly rulings = new RulingTable();

  get size(): number {
    return this.decisions.size;
  }

  get(deviceId: string): CachedDecision | undefined {
    return this.decisions.get(deviceId);
  }

  /**
   * Takes in a decision. One that is older than the cached one, by its place in the stream or by either of its revisions,
   * is ignored; returns whether it was taken.
   */
  apply(decision: DataOf<typeof DecisionChanged>, sequence: number): boolean {
    const before = this.decisions.get(decision.deviceId);
    if (before !== undefined && isOlder(decision, sequence, before)) return false;
    const { rulings, owner } = this.rulings.acquire(decision.resources);
    this.put(decision.deviceId, before, {
      rulings,
      owner,
      identity: decision.identity,
      posture: decision.postureRevision,
      policy: decision.policyRevision,
      reviewAt: decision.reviewAt === null ? Infinity : Date.parse(decision.reviewAt),
      sequence,
      readable: true,
    });
    return true;
  }

  /** Denies the device everything: its last decision cannot be read. The revisions that were reached and the least proof stay. */
  applyUnreadable(deviceId: string, sequence: number): void {
    const before = this.decisions.get(deviceId);
    if (before !== undefined && before.sequence >= sequence) return;
    const { posture, policy, identity } = before ?? { posture: 0, policy: 0, identity: undefined };
    this.put(deviceId, before, {
      rulings: NOTHING,
      owner: undefined,
      identity,
      posture,
      policy,
      reviewAt: Infinity,
      sequence,
      readable: false,
    });
  }

  clear(): void {
    this.decisions.clear();
    this.rulings.clear();
  }

  private put(deviceId: string, before: CachedDecision | undefined, decision: CachedDecision): void {
    this.decisions.set(deviceId, decision);
    if (before !== undefined) this.rulings.release(before.rulings);
  }
}

function isOlder(decision: DataOf<typeof DecisionChanged>, sequence: number, cached: CachedDecision): boolean {
  return (
    sequence <= cached.sequence || decision.postureRevision < cached.posture || decision.policyRevision < cached.policy
  );
}
