import { parseDuration } from '@stance/service-kit';
import { InvalidArgumentError } from 'commander';

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
