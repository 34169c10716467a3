const DIGIT_ZERO = 48;
const NO_DIGITS = -1_000_000;

/**
 * Milliseconds since the epoch of an RFC 3339 time, NaN for anything else: `Date.parse`, with a short way for the plain
 * UTC form, as the times of a device are the largest part of the cost of deciding about it.
 */
export function timeOf(text: string): number {
  if (text.length < 20 || text[4] !== '-' || text[10] !== 'T' || text[13] !== ':' || !text.endsWith('Z')) {
    return Date.parse(text);
  }
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const fraction = text.length === 20 ? 0 : text.length >= 24 && text[19] === '.' ? digits(text, 20, 3) : NO_DIGITS;
  const plain =
    text[7] === '-' &&
    text[16] === ':' &&
    year >= 1000 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    // The last days of a month are left to who knows how long it is.
    day <= 28 &&
    hour >= 0 &&
    hour <= 23 &&
    minute >= 0 &&
    minute <= 59 &&
    second >= 0 &&
    second <= 59 &&
    fraction >= 0 &&
    areDigits(text, 23);
  return plain ? Date.UTC(year, month - 1, day, hour, minute, second, fraction) : Date.parse(text);
}

/** The number that some digits write; negative where there is anything else. */
function digits(text: string, start: number, count: number): number {
  let number = 0;
  for (let index = start; index < start + count; index++) {
    const digit = text.charCodeAt(index) - DIGIT_ZERO;
    if (!(digit >= 0 && digit <= 9)) return NO_DIGITS;
    number = number * 10 + digit;
  }
  return number;
}

/** Whether there are only digits from `start` up to the last character. */
function areDigits(text: string, start: number): boolean {
  for (let index = start; index < text.length - 1; index++) {
    const digit = text.charCodeAt(index) - DIGIT_ZERO;
    if (!(digit >= 0 && digit <= 9)) return false;
  }
  return true;
}
