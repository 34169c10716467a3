import {
  contractOfSubject,
  DEAD_LETTER_CODES,
  type DataOf,
  type DeadLetterCode,
  type DeadLettered,
  type EventOf,
} from '@stance/contracts';

type DeadLetter = DataOf<typeof DeadLettered>;

/** A message that a service put aside, in short. */
export interface DeadLetterSummary {
  /** That of the dead letter; the message that died has another, in its own stream. */
  readonly sequence: number;
  readonly diedAt: string;
  readonly service: string;
  /** What its subject carries; null for a subject of no event. */
  readonly event: string | null;
  readonly originalSubject: string;
  readonly reason: DeadLetter['reason'];
  readonly attempts: number;
}

/** A dead letter, whole, and what is to be known besides. */
export interface DeadLetterRecord {
  readonly sequence: number;
  readonly storedAt: string;
  readonly event: string | null;
  /** The `source` that the message names: nobody vouches for it. */
  readonly producer: string | null;
  readonly traceId: string | null;
  /** Of its code. */
  readonly meaning: string;
  readonly remedy: string;
  /**
   * Of the last message of its subject. `set-right`: it came later, and the service has settled it; `waiting`: the service has
   * not settled all up to it; `unconfirmed`: whether it has is not known; `dead-again`: it is dead as well. `open`: none came
   * later; `unknown`: none is kept.
   */
  readonly state: 'set-right' | 'waiting' | 'unconfirmed' | 'dead-again' | 'open' | 'unknown';
  /** The last message of its subject, where that came later. */
  readonly later: (Stored & { readonly deadLetter?: number | undefined }) | null;
  readonly letter: DeadLetter;
}

/** Where a message stands in its stream. */
interface Stored {
  readonly sequence: number;
  readonly storedAt: string;
}

/** What its subject has by now; undefined where there is none. */
export interface OfSameSubject {
  readonly last: Stored | undefined;
  /** The sequence up to which the service has settled every message; undefined where that is not known. */
  readonly settledUpTo: number | undefined;
  /** The last dead letter of the same service, and the sequence of the message that died. */
  readonly lastDead: { readonly sequence: number; readonly original: number } | undefined;
}

const FIND_THE_WRITER =
  'Find who wrote it: the source that it names, the NATS user in the server’s log. Take the credentials away if that is none of Stance’s services; if it is, look whether all run the same version.';

/** What a person can do about a message of each code. */
const REMEDIES: Readonly<Record<DeadLetterCode, string>> = {
  malformed: FIND_THE_WRITER,
  misaddressed: FIND_THE_WRITER,
  forbidden: `Treat it as an attempt to forge. ${FIND_THE_WRITER}`,
  oversized: 'Find who wrote it. If it was one of Stance’s services, that is a defect: report it with this message.',
  unprocessable:
    'The reason says what is wrong with it. If one of Stance’s services wrote it, that is a defect: report it with this message.',
  exhausted: 'The log of the service has each of the attempts. Mend the cause.',
};

export function deadLetterSummary(sequence: number, { data }: EventOf<typeof DeadLettered>): DeadLetterSummary {
  const { diedAt, service, originalSubject, reason, attempts } = data;
  return { sequence, diedAt, service, event: eventOn(originalSubject), originalSubject, reason, attempts };
}

export function deadLetterRecord(
  { sequence, storedAt }: Stored,
  { data: letter, traceparent }: EventOf<typeof DeadLettered>,
  now: OfSameSubject,
): DeadLetterRecord {
  const { code } = letter.reason;
  return {
    sequence,
    storedAt,
    event: eventOn(letter.originalSubject),
    producer: producerIn(letter),
    traceId: traceparent?.split('-')[1] ?? null,
    meaning: DEAD_LETTER_CODES[code],
    remedy: REMEDIES[code],
    ...whatCameLater(letter, storedAt, now),
    letter,
  };
}

/** Bytes of the original that the letter holds: fewer than it had where it was cut to fit. */
export function bytesKept({ payload, encoding }: Pick<DeadLetter, 'payload' | 'encoding'>): number {
  return Buffer.byteLength(payload, encoding);
}

function eventOn(subject: string): string | null {
  return contractOfSubject(subject)?.name ?? null;
}

function producerIn({ payload, encoding }: DeadLetter): string | null {
  if (encoding !== 'utf8') return null;
  try {
    const message: unknown = JSON.parse(payload);
    if (typeof message !== 'object' || message === null || !Object.hasOwn(message, 'source')) return null;
    const source: unknown = Reflect.get(message, 'source');
    return typeof source === 'string' ? source : null;
  } catch {
    return null;
  }
}

function whatCameLater(
  { sequence }: DeadLetter,
  storedAt: string,
  { last, settledUpTo, lastDead }: OfSameSubject,
): Pick<DeadLetterRecord, 'state' | 'later'> {
  if (last === undefined) return { state: 'unknown', later: null };
  // A stream that was made anew counts from 1 again.
  const isLater = last.sequence > sequence || Date.parse(last.storedAt) > Date.parse(storedAt);
  if (!isLater) return { state: 'open', later: null };
  if (lastDead?.original === last.sequence) {
    return { state: 'dead-again', later: { ...last, deadLetter: lastDead.sequence } };
  }
  if (settledUpTo === undefined) return { state: 'unconfirmed', later: last };
  return { state: last.sequence <= settledUpTo ? 'set-right' : 'waiting', later: last };
}
