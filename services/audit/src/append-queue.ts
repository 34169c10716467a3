import type { RecordContent } from '@stance/audit-chain';

/** A record that waits for its place in the chain. */
export interface Waiting {
  readonly content: RecordContent;
  readonly traceparent: string | undefined;
}

/** How much may wait before the streams are paused, and how little before they go on. */
export interface QueueLimits {
  readonly records: number;
  readonly bytes: number;
}

const SMALLEST_COMPACTION = 1_024;

/** Records in the order in which they will be appended, and whether there are too many of them. */
export class AppendQueue {
  private items: (Waiting | undefined)[] = [];
  private head = 0;
  private bytes = 0;

  constructor(private readonly limits: QueueLimits) {}

  get length(): number {
    return this.items.length - this.head;
  }

  get isFull(): boolean {
    return this.length >= this.limits.records || this.bytes >= this.limits.bytes;
  }

  /** Whether so much was taken from a full queue that it is worth filling again. */
  get hasRoom(): boolean {
    return this.length <= this.limits.records / 4 && this.bytes <= this.limits.bytes / 4;
  }

  push(waiting: Waiting): void {
    this.items.push(waiting);
    this.bytes += sizeOf(waiting);
  }

  shift(): Waiting | undefined {
    const first = this.items[this.head];
    if (first === undefined) return undefined;
    this.items[this.head] = undefined;
    this.head += 1;
    this.bytes -= sizeOf(first);
    if (this.head >= SMALLEST_COMPACTION && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return first;
  }
}

function sizeOf({ content }: Waiting): number {
  return content.payload?.length ?? 0;
}
