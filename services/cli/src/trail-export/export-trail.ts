import type { JetStreamManager } from '@nats-io/jetstream';
import { AuditRecorded, filterOf, STREAMS } from '@stance/contracts';
import { WrongUsage } from '../errors.js';
import { messageBatches } from '../message-batches.js';
import type { TrailFile } from './trail-file.js';
import { contentOf, lineOf } from './trail-line.js';

const TRAIL = STREAMS.AUDIT.name;

/** What came of an export. */
export interface Exported {
  /** Records that were written now. */
  readonly records: number;
  /** The last sequence of the trail that was written, now or before; `null` where there is none. */
  readonly lastSequence: number | null;
  /** The hash of the record there: what to keep where nobody with access to NATS writes. */
  readonly lastHash: string | null;
  /** The last sequence that the trail had when the export began. */
  readonly trailEnd: number;
  /** Everything up to there was written. */
  readonly complete: boolean;
}

export interface ExportOptions {
  /** The first sequence. */
  readonly from: number;
  /** The line that was written last, before. */
  readonly last?: string | undefined;
  /** Takes whole lines. */
  readonly write: (lines: string) => Promise<void>;
  /** Ends the export behind a whole line. */
  readonly signal: AbortSignal;
  /** Told after each batch. */
  readonly progress: (sequence: number, trailEnd: number) => void;
}

/** Writes what the trail held at the time of the call. */
export async function exportTrail(trail: JetStreamManager, options: ExportOptions): Promise<Exported> {
  const { from, write, signal, progress } = options;
  const trailEnd = (await trail.streams.info(TRAIL)).state.last_seq;
  let records = 0;
  let lastSequence = from - 1;
  let { last } = options;
  // Also what is no record of audit's: what somebody else wrote there belongs to what is to be proved.
  for await (const batch of messageBatches(trail, {
    stream: STREAMS.AUDIT.name,
    filter: filterOf(AuditRecorded),
    from,
    to: trailEnd,
  })) {
    const lines = batch.map(lineOf);
    if (lines.length > 0) await write(`${lines.join('\n')}\n`);
    records += lines.length;
    last = lines.at(-1) ?? last;
    lastSequence = batch.at(-1)?.seq ?? lastSequence;
    progress(lastSequence, trailEnd);
    if (signal.aborted || lastSequence >= trailEnd) break;
  }
  const content = last === undefined ? undefined : contentOf(last);
  return {
    records,
    lastSequence: content?.streamSequence ?? null,
    lastHash: content !== undefined && 'record' in content ? content.record.hash : null,
    trailEnd,
    complete: lastSequence >= trailEnd,
  };
}

/**
 * Where a file goes on. Throws {@link WrongUsage} when the trail no longer holds what the file ends with: then it was restored,
 * made anew or rewritten since, and the file is what proves it.
 */
export async function resumeAfter(trail: JetStreamManager, { path, last }: TrailFile): Promise<number> {
  if (last === undefined) return 1;
  const { streamSequence } = last;
  const stored = await trail.streams.getMessage(TRAIL, { seq: streamSequence });
  if (stored !== null && lineOf(stored) === last.text) return streamSequence + 1;
  throw new WrongUsage(
    `the trail does not hold at sequence ${streamSequence} what ${path} ends with: it was restored, made anew or rewritten since. ` +
      'Keep the file, which shows it, and export to another',
  );
}
