import type { JetStreamManager } from '@nats-io/jetstream';

/** Where a stream stood when it was looked at: what tells later whether it is still the same one. */
export interface StreamMark {
  /** When the stream was created, RFC 3339. */
  readonly created: string;
  readonly lastSequence: number;
  /** When its last message was stored, in milliseconds since 1970. */
  readonly lastStoredAt: number;
}

/**
 * What became of a stream since `before`, in words; `undefined` while it is the same one, however much was added.
 * `storedAtMark`: when the message that now has the mark's sequence was stored, if there is one. Pure.
 */
export function changeOf(before: StreamMark, now: StreamMark, storedAtMark: number | undefined): string | undefined {
  if (before.created !== now.created) return `was deleted and made anew, or restored, at ${now.created}`;
  if (now.lastSequence < before.lastSequence) {
    return `was set back from message ${before.lastSequence} to ${now.lastSequence}, as by a backup`;
  }
  // The server's times are cut to milliseconds in more than one place.
  if (storedAtMark !== undefined && Math.abs(storedAtMark - before.lastStoredAt) > 1) {
    return `was set back to before message ${before.lastSequence}, as by a backup, and written on`;
  }
  return undefined;
}

/** How a stream stands at its leader, and what became of it since `before`; `at`: the server's time, in milliseconds. */
export async function look(
  manager: JetStreamManager,
  stream: string,
  before: StreamMark | undefined,
): Promise<{ mark: StreamMark; what: string | undefined; at: number }> {
  const { created, state, ts } = await manager.streams.info(stream);
  const mark = { created, lastSequence: state.last_seq, lastStoredAt: Date.parse(state.last_ts) };
  const at = ts === undefined ? Date.now() : Date.parse(ts);
  if (before === undefined) return { mark, what: undefined, at };
  const atMark =
    before.lastSequence === 0 ? null : await manager.streams.getMessage(stream, { seq: before.lastSequence });
  return { mark, what: changeOf(before, mark, atMark?.time.getTime()), at };
}
