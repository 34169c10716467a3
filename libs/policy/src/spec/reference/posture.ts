import type { Condition } from '../../conditions/condition.js';
import type { PostureSubject } from '../../evaluation/subject.js';
import type { Policy, Rule } from '../../policy.js';
import { judge, turningPoints, type Finding } from './condition.js';

export interface PostureFinding {
  readonly verdict: Finding['verdict'];
  /** The conditions that do not hold. */
  readonly failing: readonly {
    readonly condition: Condition;
    readonly finding: Exclude<Finding, { verdict: 'true' }>;
  }[];
}

/** Judges a posture as one rule asks for it. */
export function judgePosture(
  policy: Policy,
  rule: Rule,
  name: string,
  subject: PostureSubject,
  now: number,
): PostureFinding {
  const { conditions, maxAge } = postureUnder(policy, rule, name);
  const failing: PostureFinding['failing'][number][] = [];
  for (const condition of conditions) {
    const finding = judge(condition, subject, maxAge, now);
    if (finding.verdict !== 'true') failing.push({ condition, finding });
  }
  const verdicts = failing.map(({ finding }) => finding.verdict);
  const verdict = verdicts.includes('false') ? 'false' : verdicts.includes('unknown') ? 'unknown' : 'true';
  return { verdict, failing };
}

/** Every time at which the posture may become something else by time alone. */
export function postureTurningPoints(policy: Policy, rule: Rule, name: string, subject: PostureSubject): number[] {
  const { conditions, maxAge } = postureUnder(policy, rule, name);
  return conditions.flatMap((condition) => turningPoints(condition, subject, maxAge));
}

function postureUnder(policy: Policy, rule: Rule, name: string) {
  const posture = policy.postures.get(name);
  if (posture === undefined) throw new Error(`no posture ${name}`);
  return { conditions: posture.conditions, maxAge: rule.maxAge ?? posture.maxAge ?? policy.maxAge };
}
