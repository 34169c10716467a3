import type { DataOf, EngineReported } from '@stance/contracts';

/** What the engine says of the stream that it writes its decisions to. */
export type DecisionStream = NonNullable<DataOf<typeof EngineReported>['decisionStream']>;

/** Up to which sequence messages had been stored by a time. */
interface Span {
  /** Milliseconds since 1970, by the server's clock. */
  readonly from: number;
  upTo: number;
}

/** Clocks of servers differ, and one span need not be told from the next more finely. */
const SPAN_MS = 10_000;
const MAX_SPANS = 4_096;

/**
 * Notices that the stream of decisions was set back, as by a backup or a disk that lost what was written last: what is held
 * beyond that is no longer what the engine has decided, and what it decides instead under the same sequences never reaches a
 * copy. By the sequences alone it would be forgotten as soon as the stream has grown again. So the engine says where the
 * stream stood when it became active: nothing that was stored before can stand beyond. No I/O and no clock.
 */
export class SetBackWatch {
  private readonly spans: Span[] = [];
  private heldAtReport = 0;
  private activeSince: string | undefined;
  private wasSetBack = false;

  /** A decision has been read; in the order of the stream. */
  held(sequence: number, storedAt: number): void {
    const last = this.spans.at(-1);
    if (last !== undefined && sequence <= last.upTo) return;
    if (last !== undefined && storedAt - last.from < SPAN_MS) last.upTo = sequence;
    else this.spans.push({ from: storedAt, upTo: sequence });
    // The later one of two stands for both: it reaches further.
    if (this.spans.length > MAX_SPANS) this.spans.shift();
  }

  /** Whether the stream was set back since it was first read, by this report or one before. */
  heard({ lastSequence, activeFrom }: DecisionStream): boolean {
    // What came since the report before may be newer than this one.
    if (this.heldAtReport > lastSequence) this.wasSetBack = true;
    if (activeFrom !== undefined) {
      const isAnother = activeFrom.at !== this.activeSince;
      if (isAnother && this.heldAtReport > activeFrom.sequence) this.wasSetBack = true;
      this.activeSince = activeFrom.at;
      const activeAt = Date.parse(activeFrom.at);
      const before = this.spans.findLast(({ from }) => from + SPAN_MS < activeAt);
      if (before !== undefined && before.upTo > activeFrom.sequence) this.wasSetBack = true;
    }
    this.heldAtReport = this.spans.at(-1)?.upTo ?? 0;
    return this.wasSetBack;
  }

  /** The stream was replaced, or read anew as another: what was held counts no more. */
  startOver(): void {
    this.spans.length = 0;
    this.heldAtReport = 0;
    this.activeSince = undefined;
    this.wasSetBack = false;
  }
}
