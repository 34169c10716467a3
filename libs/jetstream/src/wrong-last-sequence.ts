import { JetStreamApiError } from '@nats-io/jetstream';

/**
 * What the server answers when a write expected another last sequence: 10071, and on replicated streams also 10164, while
 * another write of the subject is under way, which says nothing about whether that one is stored in the end.
 */
export const WRONG_LAST_SEQUENCE: ReadonlySet<number> = new Set([10071, 10164]);

/** Whether a write was refused because somebody else wrote. */
export function isWrongLastSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code);
}
