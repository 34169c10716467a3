/** From 1, as editors count. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a character of a text stands, by how many come before it; the parser's own count loses lines of broken texts. */
export function linesOf(text: string): (offset: number) => Position {
  const starts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) starts.push(end + 1);
  return (offset) => {
    let [first, last] = [0, starts.length - 1];
    while (first < last) {
      const middle = Math.ceil((first + last) / 2);
      if ((starts[middle] ?? 0) <= offset) first = middle;
      else last = middle - 1;
    }
    return { line: first + 1, column: Math.min(offset, text.length) - (starts[first] ?? 0) + 1 };
  };
}
