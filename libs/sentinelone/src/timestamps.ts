/** What consoles send: UTC with six fraction digits or none, on a day that its month has every year. Needs no calendar. */
const USUAL =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{6})?Z$/;
const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})$/;

const SECONDS_LENGTH = '2025-03-04T03:33:21Z'.length;

/**
 * An RFC 3339 time in UTC with exactly six fraction digits, so that text order is time order and nothing of the
 * console's microseconds is lost (a Date would keep milliseconds); undefined for anything else.
 */
export function toUtc(text: string): string | undefined {
  if (USUAL.test(text)) return text.length === SECONDS_LENGTH ? `${text.slice(0, -1)}.000000Z` : text;
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = '', zone] = match;
  const micros = fraction.slice(0, 6).padEnd(6, '0');
  const local = Date.parse(`${date}T${time}Z`);
  // Date.parse lets the 30th of February run over into March.
  if (Number.isNaN(local) || !isoSeconds(local).startsWith(`${date}T${time}`)) return undefined;
  if (zone === 'Z' || zone === 'z') return `${date}T${time}.${micros}Z`;
  const shifted = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(shifted) ? undefined : `${isoSeconds(shifted)}.${micros}Z`;
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().slice(0, -5);
}
