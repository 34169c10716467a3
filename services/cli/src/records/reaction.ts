/** Milliseconds from an observation to what followed from it; null where either time is not known. */
export function reactionMs(observedAt: string | undefined, until: string | undefined): number | null {
  if (observedAt === undefined || until === undefined) return null;
  return Date.parse(until) - Date.parse(observedAt);
}
