import { distance } from 'fastest-levenshtein';

/** The ids that a mistyped one was most likely meant to be, the nearest first; none where nothing is close. */
export function nearestIds(wanted: string, ids: Iterable<string>, limit = 3): string[] {
  const word = wanted.toLowerCase().slice(0, 80);
  const furthest = Math.max(1, Math.floor(word.length / 3));
  const close: { id: string; edits: number }[] = [];
  for (const id of ids) {
    const edits = editsTo(id.toLowerCase(), word, furthest);
    if (edits <= furthest) close.push({ id, edits });
  }
  return close
    .toSorted((a, b) => a.edits - b.edits || a.id.localeCompare(b.id))
    .slice(0, limit)
    .map(({ id }) => id);
}

/** `. Did you mean a, b or c?`, or nothing. */
export function didYouMean(wanted: string, ids: Iterable<string>): string {
  const close = nearestIds(wanted, ids);
  return close.length === 0 ? '' : `. Did you mean ${listed(close)}?`;
}

/** `a`, `a or b`, `a, b or c`. */
export function listed(texts: readonly string[]): string {
  return [texts.slice(0, -1).join(', '), ...texts.slice(-1)].filter((text) => text !== '').join(' or ');
}

function editsTo(id: string, word: string, furthest: number): number {
  if (word.length >= 3 && id.includes(word)) return 0.5;
  if (Math.abs(id.length - word.length) > furthest) return Number.POSITIVE_INFINITY;
  return distance(id, word);
}
