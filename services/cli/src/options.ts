import { parseDuration } from '@stance/service-kit';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';

/** Reads an option that is a whole number within bounds. */
export function wholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
  };
}

/** Reads an option that is a duration such as `10s`, as milliseconds. */
export function durationOption(text: string): number {
  const milliseconds = parseDuration(text);
  // Longer than a timer can wait (24.8 days).
  if (milliseconds !== undefined && milliseconds > 0 && milliseconds < 2 ** 31) return milliseconds;
  throw new InvalidArgumentError('It has to be a duration such as 500ms, 10s, 15m or 24h.');
}

const FURTHEST_MS = 3_650 * 86_400_000;

/** Reads an option that is a moment to come, as a duration from now or in RFC 3339; as RFC 3339 in UTC. */
export function untilOption(text: string): string {
  const duration = parseDuration(text);
  const isTime = z.iso.datetime({ offset: true }).safeParse(text).success;
  const at = duration === undefined ? (isTime ? Date.parse(text) : Number.NaN) : Date.now() + duration;
  if (at > Date.now() && at <= Date.now() + FURTHEST_MS) return new Date(at).toISOString();
  const problem = Number.isNaN(at) ? 'It has to be' : 'It has to lie ahead, by ten years at most:';
  throw new InvalidArgumentError(`${problem} a duration such as 8h or 30d, or a time such as 2030-01-31T18:00:00Z.`);
}

/** Reads an option that has to say something. */
export function saidOption(text: string): string {
  const said = text.trim();
  if (said !== '' && said.length <= 1_000) return said;
  throw new InvalidArgumentError('It takes 1 to 1,000 characters.');
}

/** Reads an option that is a moment gone by, as how long ago it was or in RFC 3339; as milliseconds since the epoch. */
export function agoOption(text: string): number {
  const duration = parseDuration(text);
  const isTime = z.iso.datetime({ offset: true }).safeParse(text).success;
  const at = duration === undefined ? (isTime ? Date.parse(text) : Number.NaN) : Math.trunc(Date.now() - duration);
  if (at >= 0 && at <= Date.now()) return at;
  const problem = Number.isNaN(at) ? 'It has to be' : 'It has to lie in the past:';
  throw new InvalidArgumentError(`${problem} how long ago, such as 2h or 7d, or a time such as 2026-01-31T18:00:00Z.`);
}

/** Reads an option that is a list of names, separated by commas. */
export function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.every((name) => name !== '') && new Set(list).size === list.length) return list;
  throw new InvalidArgumentError('It takes names, each once, separated by commas.');
}

const BYTES = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 } as const;

/** Reads an option that is a size such as `500GB`, as bytes. */
function bytesOption(text: string): number {
  const [, number, unit = 'B'] = /^(\d+)(B|KB|MB|GB|TB)?$/.exec(text.trim()) ?? [];
  const bytes = Number(number) * BYTES[unit as keyof typeof BYTES];
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError('It has to be a size such as 512MB, 50GB or 2TB.');
}

/** Reads an option that is a size, or `none` for no limit. */
export function limitOption(text: string): number | 'none' {
  return text.trim() === 'none' ? 'none' : bytesOption(text);
}
