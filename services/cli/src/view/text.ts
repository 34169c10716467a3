/**
 * Text from outside as it may be shown on a terminal: control characters, which could rewrite the screen, and marks that
 * reverse the direction of writing become visible `�`.
 */
export function plain(text: string): string {
  return text.replaceAll(UNPRINTABLE, '\uFFFD');
}

const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** JSON that may be shown on a terminal: the same characters inside its texts as escapes, nothing lost. */
export function escapedJson(value: unknown, indent: number): string {
  return JSON.stringify(value, null, indent).replaceAll(UNPRINTABLE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** An address, or a message that names one, without the user and password that people put before an `@`. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/:\/\/[^\s/@]*@/g, '://');
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6])/u;

/** Columns that a text takes on a terminal. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7E]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** At most `width` columns of a text, with `…` where it was cut. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const { segment } of graphemes.segment(text)) {
    used += displayWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** A duration in a person's words, from milliseconds to days: `41 ms`, `3.2 s`, `12 min`, `5 h`, `3 d`. */
export function durationText(milliseconds: number): string {
  const size = Math.abs(milliseconds);
  if (size < 1_000) return `${Math.round(milliseconds)} ms`;
  if (size < 60_000) return `${Number((milliseconds / 1_000).toFixed(1))} s`;
  if (size < 3_600_000) return `${Math.floor(milliseconds / 60_000)} min`;
  if (size < 172_800_000) return `${Math.floor(milliseconds / 3_600_000)} h`;
  return `${Math.floor(milliseconds / 86_400_000)} d`;
}

/** How long ago a time is, or in how long it comes, in whole seconds at least; `-` where there is none. */
export function relativeTime(timestamp: string | null | undefined, now: number): string {
  if (timestamp === undefined || timestamp === null) return '-';
  const past = Math.trunc((now - Date.parse(timestamp)) / 1_000) * 1_000;
  if (past === 0) return 'just now';
  return past > 0 ? `${durationText(past)} ago` : `in ${durationText(-past)}`;
}

/** The time of day in UTC, to the millisecond. */
export function clockTime(timestamp: string): string {
  return new Date(timestamp).toISOString().slice(11, 23);
}

/** A value of any attribute in one line. */
export function valueText(value: unknown): string {
  return plain(typeof value === 'string' ? value : JSON.stringify(value ?? null));
}

/** `1 device`, `2 devices`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A number that people can read: `100,000`. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** A text as lines of at most `width` columns, broken between words; a longer word has a line of its own. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? indent + word : `${line} ${word}`;
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}
