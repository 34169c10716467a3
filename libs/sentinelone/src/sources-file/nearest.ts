/** `, did you mean X?` where one of `names` is close to a mistyped word, else nothing. */
export function suggestion(word: string, names: readonly string[]): string {
  const wanted = word.toLowerCase().slice(0, 80);
  const furthest = Math.max(1, Math.floor(wanted.length / 3));
  const [closest] = names
    .map((name) => ({ name, distance: editDistance(wanted, name.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  return closest === undefined || closest.distance > furthest ? '' : `, did you mean ${closest.name}?`;
}

/** Insertions, deletions and substitutions between two words (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
