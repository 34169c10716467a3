import { distance } from 'fastest-levenshtein';

/** `, did you mean X?` where one of `names` is close to a mistyped word, else nothing. */
export function suggestion(word: string, names: readonly string[]): string {
  const wanted = word.toLowerCase().slice(0, 80);
  const furthest = Math.max(1, Math.floor(wanted.length / 3));
  const [closest] = names
    .map((name) => ({ name, edits: distance(wanted, name.toLowerCase()) }))
    .toSorted((a, b) => a.edits - b.edits);
  return closest === undefined || closest.edits > furthest ? '' : `, did you mean ${closest.name}?`;
}
