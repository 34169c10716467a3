import { z } from 'zod';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `250ms`, `10s`, `-5m`, `1h30m` or a number of milliseconds; undefined for anything else. */
export function parseSpan(given: string | number): number | undefined {
  if (typeof given === 'number') return Number.isSafeInteger(given) ? given : undefined;
  const match = /^([+-]?)((?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)$/.exec(given);
  if (match === null) return given === '0' ? 0 : undefined;
  let total = 0;
  for (const [, count, unit] of (match[2] ?? '').matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    total += Number(count) * (UNITS[unit ?? ''] ?? 0);
  return match[1] === '-' ? -total : total;
}

/** A length of time, read to milliseconds; with a sign where it may lie in the past. */
export const signedSpan = z.union([z.string(), z.number()]).transform((given, context) => {
  const milliseconds = parseSpan(given);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: 'custom', message: 'expected a length of time such as 500ms, 10s, -5m or 1h' });
  return z.NEVER;
});

export const span = signedSpan.refine((milliseconds) => milliseconds >= 0, 'expected a length of time from 0');
