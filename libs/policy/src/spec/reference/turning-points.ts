import type { GraceState } from '@stance/contracts';
import type { PostureSubject } from '../../evaluation/subject.js';
import type { Policy } from '../../policy.js';
import { postureTurningPoints } from './posture.js';

/** Every time after `now`, in order, at which anything may change by time alone; most of them change nothing. */
export function turningPointsAfter(
  policy: Policy,
  subject: PostureSubject | undefined,
  now: number,
  graces: readonly GraceState[],
): number[] {
  if (subject === undefined) return [];
  const requirements = policy.rules.flatMap((rule) =>
    [...rule.require, ...rule.requireAny].map((requirement) => ({ rule, ...requirement })),
  );
  const conditions = policy.rules.flatMap((rule) =>
    [
      ...rule.require.map(({ posture }) => posture),
      ...rule.requireAny.map(({ posture }) => posture),
      ...rule.when,
    ].flatMap((posture) => postureTurningPoints(policy, rule, posture, subject)),
  );
  // A failure that is yet to begin begins at one of these times, or has begun already.
  const failures = [now, ...conditions, ...graces.flatMap(({ failingSince }) => timesOf(failingSince))];
  const holdings = [now, ...conditions, ...graces.flatMap(({ heldSince }) => timesOf(heldSince))];
  const ends = requirements.flatMap(({ grace, rearm }) => [
    ...failures.map((time) => time + grace),
    ...holdings.map((time) => time + rearm),
  ]);
  const all = [...conditions, ...ends, ...policy.exceptions.map(({ until }) => until)];
  return [...new Set(all)].filter((time) => time > now).toSorted((a, b) => a - b);
}

const timesOf = (time: string | undefined): number[] => (time === undefined ? [] : [Date.parse(time)]);
