/** The oldest nats-server that Stance runs on: per-message TTL, atomic batches and message schedules came with it. */
export const minimumServerVersion = '2.14.0';

type VersionNumbers = readonly [major: number, minor: number, patch: number];

/** The first `x.y.z` in a text such as `nats-server: v2.15.1`, or undefined when there is none. */
export function parseServerVersion(text: string): string | undefined {
  return /\b[vV]?(\d+\.\d+\.\d+)/.exec(text)?.[1];
}

/** Whether `version` is `minimum` or newer; both are plain `x.y.z`. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [have, want] = [numbersOf(version), numbersOf(minimum)];
  for (const place of [0, 1, 2] as const) {
    if (have[place] !== want[place]) return have[place] > want[place];
  }
  return true;
}

function numbersOf(version: string): VersionNumbers {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return [major, minor, patch];
}
