import { decodeEvent, PostureChanged, STREAMS, type AttributeValue, type DataOf } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';

import type { Stack } from '../stack.js';

type Posture = DataOf<typeof PostureChanged>;

/** A change in a console that its device's posture has to show. */
export interface Change {
  readonly device: string;
  readonly attribute: string;
  readonly value: AttributeValue;
}

interface Waiting extends Change {
  readonly at: number;
}

/** Watches that what changes in a console shows in a posture, and how long that takes. Times are monotonic milliseconds. */
export class Watch {
  /** How long changes took that no fault had to do with. */
  readonly latencies: number[] = [];
  /** How long after the end of a fault the changes of its time arrived, at most. */
  slowestRecovery = 0;
  /** Changes that came too late. */
  readonly late: string[] = [];
  arrived = 0;
  private readonly waiting = new Map<string, Waiting>();
  private readonly postures = new Map<string, Posture['attributes']>();
  private faults = 0;
  private faultOverAt = -Infinity;
  /** When the last fault has been got over. */
  private recoveredAt = -Infinity;

  /** `boundMs`: how late a change may be in peace. */
  private constructor(private readonly boundMs: number) {}

  static async start(stack: Stack, boundMs: number): Promise<{ watch: Watch; stop: () => Promise<void> }> {
    const watch = new Watch(boundMs);
    const follower = await StreamFollower.start(
      stack.connection,
      { stream: STREAMS.POSTURE.name, from: { sequence: 1 } },
      ({ data, subject }) => watch.see(decodeEvent(PostureChanged, data, subject).data),
    );
    const timer = setInterval(() => watch.look(), 50);
    const stop = async () => {
      clearInterval(timer);
      await follower.stop();
    };
    return { watch, stop };
  }

  /** What a change before it wanted of the same device and attribute need not show any more. */
  expect(change: Change): void {
    this.waiting.set(keyOf(change), { ...change, at: performance.now() });
  }

  /** Nothing is expected of a device any more. */
  forget(device: string): void {
    for (const [key, change] of this.waiting) if (change.device === device) this.waiting.delete(key);
  }

  /** Changes need not arrive until `fault` has ended, and been got over for so many milliseconds. */
  async during(fault: () => Promise<void>, recoversInMs: number): Promise<void> {
    this.faults += 1;
    try {
      await fault();
    } finally {
      this.faults -= 1;
      this.faultOverAt = performance.now();
      this.recoveredAt = Math.max(this.recoveredAt, this.faultOverAt + recoversInMs);
    }
  }

  private see({ deviceId, attributes }: Posture): void {
    this.postures.set(deviceId, attributes);
    for (const [key, change] of this.waiting) {
      if (change.device !== deviceId || attributes[change.attribute]?.value !== change.value) continue;
      this.waiting.delete(key);
      this.arrivedNow(change);
    }
  }

  private arrivedNow(change: Waiting): void {
    this.arrived += 1;
    const now = performance.now();
    if (!this.isTroubled(change)) this.latencies.push(now - change.at);
    else if (this.faults === 0 && change.at < this.faultOverAt)
      this.slowestRecovery = Math.max(this.slowestRecovery, now - this.faultOverAt);
  }

  /** Whether a fault had to do with it: one was on since the change, or so shortly before that it was being got over. */
  private isTroubled({ at }: Waiting): boolean {
    return this.faults > 0 || this.recoveredAt > at;
  }

  private look(): void {
    if (this.faults > 0) return;
    const now = performance.now();
    for (const [key, change] of this.waiting) {
      const dueAt = Math.max(change.at, this.recoveredAt) + this.boundMs;
      if (now < dueAt) continue;
      this.waiting.delete(key);
      // Changed and changed back before anybody looked.
      if (this.postures.get(change.device)?.[change.attribute]?.value === change.value) continue;
      this.late.push(
        `${change.attribute} = ${String(change.value)} of ${change.device}, ${Math.round(now - change.at)} ms ago`,
      );
    }
  }
}

function keyOf({ device, attribute }: Change): string {
  return `${device} ${attribute}`;
}
