import type { GraceState } from '@stance/contracts';
import type { PostureSubject } from '../../evaluation/subject.js';
import type { Past } from '../../evaluation/past.js';
import type { Policy, Requirement, Rule } from '../../policy.js';
import { judgePosture, postureTurningPoints } from './posture.js';

/**
 * What is remembered of a requirement with grace after `now`. `bears`: the rule is for this device; without that, what is
 * remembered runs on, and nothing new is. `isCertain`: it is known which device this is; without that, its posture is not.
 */
export function remember(
  policy: Policy,
  rule: Rule,
  { posture, rearm }: Requirement,
  subject: PostureSubject | undefined,
  now: number,
  past: Past,
  { bears, isCertain }: { readonly bears: boolean; readonly isCertain: boolean },
): GraceState | undefined {
  const names = { rule: rule.name, posture };
  const remembered = past.graces.find((one) => one.rule === rule.name && one.posture === posture);
  if (remembered === undefined && !bears) return undefined;
  const before: GraceState = remembered ?? { ...names, ...whatItHad(policy, rule, past) };

  const verdictAt = (moment: number): Verdict =>
    subject === undefined || !isCertain ? 'unknown' : judgePosture(policy, rule, posture, subject, moment).verdict;
  const turningPoints = subject === undefined ? [] : postureTurningPoints(policy, rule, posture, subject);
  const isFirst = remembered === undefined;
  const since = (is: (verdict: Verdict) => boolean): number =>
    isFirst ? now : startOf((moment) => is(verdictAt(moment)), turningPoints, now);

  const verdict = verdictAt(now);
  if (before.resources?.length === 0) return verdict === 'true' ? names : before;
  const { heldSince } = before;
  const heldUntil = verdict === 'true' ? now : since((one) => one !== 'true');
  const isRearmed = heldSince !== undefined && heldUntil - Date.parse(heldSince) >= rearm;
  const failingSince = isRearmed ? undefined : before.failingSince;
  if (verdict === 'true') {
    return failingSince === undefined ? names : { ...names, failingSince, heldSince: heldSince ?? iso(now) };
  }
  const began = failingSince ?? (verdict === 'false' ? iso(since((one) => one === 'false')) : undefined);
  return {
    ...names,
    ...(before.resources && { resources: before.resources }),
    ...(began !== undefined && { failingSince: began }),
  };
}

type Verdict = ReturnType<typeof judgePosture>['verdict'];

/**
 * Of a requirement that is new for the device: what it could reach, and where it was warned there, since when what the policy
 * does not ask for any more was failing.
 */
function whatItHad(policy: Policy, { resources }: Rule, past: Past): Pick<GraceState, 'resources' | 'failingSince'> {
  const reached = [...past.reached()].filter(([name, { effect }]) => effect !== 'deny' && resources.includes(name));
  const isWarned = reached.some(([, { effect }]) => effect === 'warn');
  const isAskedFor = (grace: GraceState): boolean =>
    policy.rules.some(
      ({ name, require, requireAny }) =>
        name === grace.rule &&
        [...require, ...requireAny].some((one) => one.posture === grace.posture && one.grace > 0),
    );
  const failing = past.graces.filter((grace) => grace.heldSince === undefined && !isAskedFor(grace));
  const [began] = isWarned ? failing.flatMap(({ failingSince }) => failingSince ?? []).toSorted() : [];
  return { resources: reached.map(([name]) => name), ...(began !== undefined && { failingSince: began }) };
}

/** Since when something is so by time alone; `now` where it always was, as something else made it so. */
function startOf(isSo: (moment: number) => boolean, turningPoints: readonly number[], now: number): number {
  const passed = turningPoints.filter((moment) => moment <= now).toSorted((a, b) => b - a);
  return passed.find((moment) => !isSo(moment - 1)) ?? now;
}

const iso = (time: number): string => new Date(time).toISOString();
