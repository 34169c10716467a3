import type { GraceState } from '@stance/contracts';
import { graceKey } from './grace-key.js';

/**
 * What several gateways remember of one device as one memory, one entry per requirement, the strictest: it fails since the
 * earliest failure, and holds again only where none that remembers a failure says otherwise, since the latest. A device that
 * has held it by any memory has held it; else what it could reach by all of them counts. Whatever the order; pure.
 */
export function mergeGraces(memories: Iterable<readonly GraceState[]>): GraceState[] {
  const merged = new Map<string, GraceState>();
  for (const graces of memories) {
    for (const grace of graces) {
      const key = graceKey(grace.rule, grace.posture);
      const known = merged.get(key);
      merged.set(key, known === undefined ? grace : strictest(known, grace));
    }
  }
  return [...merged.values()];
}

function strictest(a: GraceState, b: GraceState): GraceState {
  const resources = a.resources && b.resources?.filter((resource) => a.resources?.includes(resource)).toSorted();
  const failing = [a, b].filter(({ failingSince }) => failingSince !== undefined);
  const [failingSince] = inTime(failing.map((one) => one.failingSince));
  const heldSince = failing.every((one) => one.heldSince !== undefined)
    ? inTime(failing.map((one) => one.heldSince)).at(-1)
    : undefined;
  return {
    rule: a.rule,
    posture: a.posture,
    ...(resources !== undefined && { resources }),
    ...(failingSince !== undefined && { failingSince }),
    ...(heldSince !== undefined && { heldSince }),
  };
}

function inTime(times: readonly (string | undefined)[]): string[] {
  return times.filter((time) => time !== undefined).toSorted((a, b) => Date.parse(a) - Date.parse(b));
}
