import type { JetStreamManager } from '@nats-io/jetstream';

/** A message by its place: how a reader knows that the stream is still the one it has read. */
export interface Place {
  readonly sequence: number;
  /** When the server stored it, in milliseconds since 1970. */
  readonly storedAt: number;
}

/** What the stream's leader says, at one moment. */
export interface StreamPosition {
  /** When the stream was created, RFC 3339. */
  readonly created: string;
  /** The stream's last sequence, whatever the subject. */
  readonly lastSequence: number;
  /** The last message that the reader's filter lets through. */
  readonly lastOfFilter: Place | undefined;
  /** The message where the reader was when the link was lost, if the stream still holds it. */
  readonly atMark: Place | undefined;
}

/** Asks the leader: a replica that is a moment behind must not count as the truth. */
export async function askPosition(
  manager: JetStreamManager,
  stream: string,
  filter: string,
  mark: Place | undefined,
): Promise<StreamPosition> {
  const { created, state } = await manager.streams.info(stream);
  const last = await manager.streams.getMessage(stream, { last_by_subj: filter });
  const marked = mark === undefined ? null : await manager.streams.getMessage(stream, { seq: mark.sequence });
  return {
    created,
    lastSequence: state.last_seq,
    lastOfFilter: last === null ? undefined : { sequence: last.seq, storedAt: last.time.getTime() },
    atMark: marked === null ? undefined : { sequence: marked.seq, storedAt: marked.time.getTime() },
  };
}

/** What a reader knows of its stream. */
export interface Reader {
  readonly created: string;
  /** The last message read; `undefined` before the first. */
  readonly seen: Place | undefined;
  readonly mark: Place | undefined;
}

/**
 * Where a reader stands: `reached` when it has read all that its filter lets through, `short` when there is more;
 * `recreated` when it is another stream of the same name; `rewound` when it is one that was set back, as by a backup.
 */
export type Standing = 'reached' | 'short' | 'recreated' | 'rewound';

/** Compares a reader with the stream's leader. Pure. */
export function standingOf(reader: Reader, position: StreamPosition): Standing {
  if (reader.created !== position.created) return 'recreated';
  const { seen, mark } = reader;
  const { lastOfFilter, atMark } = position;
  if (seen !== undefined && position.lastSequence < seen.sequence) return 'rewound';
  if (seen !== undefined && lastOfFilter?.sequence === seen.sequence && !isSame(seen, lastOfFilter)) return 'rewound';
  if (mark !== undefined && atMark !== undefined && !isSame(mark, atMark)) return 'rewound';
  return lastOfFilter === undefined || (seen?.sequence ?? 0) >= lastOfFilter.sequence ? 'reached' : 'short';
}

/** The client rounds a delivered message's nanoseconds: a millisecond is no difference. */
function isSame(one: Place, other: Place): boolean {
  return Math.abs(one.storedAt - other.storedAt) <= 1;
}
