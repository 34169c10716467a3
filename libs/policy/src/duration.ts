const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
] as const;

const MILLISECONDS: ReadonlyMap<string, number> = new Map(UNITS);

/** A duration as policies write it: `10s`, `15m`, `24h`, `7d`, `1h30m`. */
export const DURATION_PATTERN = /^(?:\d{1,9}(?:ms|s|m|h|d))+$/;

/** The milliseconds of a duration such as `24h`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (text.length > 64 || !DURATION_PATTERN.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (MILLISECONDS.get(unit ?? '') ?? 0);
  }
  return total;
}

/** Ten years: longer than anything that a policy means, and far from where times no longer fit a date. */
const LONGEST = 3650 * 86_400_000;

/** The milliseconds of a duration that a policy may ask for, at most `3650d`; undefined for anything else. */
export function policyDuration(text: string): number | undefined {
  const milliseconds = parseDuration(text);
  return milliseconds !== undefined && milliseconds <= LONGEST ? milliseconds : undefined;
}

/** Milliseconds as a duration that {@link parseDuration} reads back: `90_000` is `1m30s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.max(0, Math.round(milliseconds));
  let text = '';
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) text += `${amount}${unit}`;
  }
  // Days only where they are the whole of it: people write 24h and 36h, but 7d.
  const days = milliseconds / 86_400_000;
  if (days > 0 && days < 3 && milliseconds % 3_600_000 === 0) return `${days * 24}h`;
  return text === '' ? '0s' : text;
}
