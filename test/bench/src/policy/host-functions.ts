import { compareVersions, parseVersion } from '@stance/policy';
import { NOW } from './devices.js';

// What the policy needs and the languages of other engines lack; engines that take functions of their host get these.

/** Whether a version is at least `least`. It remembers its answers, as Stance does: a fleet has few versions. */
export function versionAtLeast(least: string): (version: unknown) => boolean {
  const limit = parseVersion(least);
  if (limit === undefined) throw new Error(`${least} is no version.`);
  const remembered = new Map<string, boolean>();
  return (version) => {
    if (typeof version !== 'string') return false;
    const known = remembered.get(version);
    if (known !== undefined) return known;
    const parsed = parseVersion(version);
    const answer = parsed !== undefined && compareVersions(parsed, limit) >= 0;
    remembered.set(version, answer);
    return answer;
  };
}

const DAY = 86_400_000;

/** Whether values read and confirmed at these times (RFC 3339) are at most a day old. */
export function isCurrent(observedAt: unknown, lastSeenAt: unknown): boolean {
  if (typeof observedAt !== 'string' || typeof lastSeenAt !== 'string') return false;
  return NOW - Math.min(Date.parse(observedAt), Date.parse(lastSeenAt)) <= DAY;
}
