/** Microseconds since the epoch of an RFC 3339 time in UTC; exact as a number until the year 2255. */
export function microsecondsOf(timestamp: string): number {
  const point = timestamp.indexOf('.', 19);
  const whole = Date.parse(point === -1 ? timestamp : `${timestamp.slice(0, point)}Z`) * 1_000;
  if (point === -1) return whole;
  const fraction = timestamp.slice(point + 1, -1);
  return whole + Number(fraction.length === 6 ? fraction : fraction.slice(0, 6).padEnd(6, '0'));
}

/** The time as text, with six fraction digits. */
export function timestampOf(microseconds: number): string {
  const micros = microseconds % 1_000;
  const milliseconds = new Date((microseconds - micros) / 1_000).toISOString();
  return `${milliseconds.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}
