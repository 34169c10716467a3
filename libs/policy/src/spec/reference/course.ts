import { isDeepStrictEqual } from 'node:util';
import { compilePolicy, type CompiledPolicy } from '../../evaluation/compile-policy.js';
import { evaluateGateway, type Evaluation } from '../../evaluation/evaluate.js';
import type { PostureSubject } from '../../evaluation/subject.js';
import { NO_PAST, type Past } from '../../evaluation/past.js';
import type { Policy } from '../../policy.js';
import { parsed, type PolicySource } from './policies.js';
import type { Story } from './stories.js';
import { NOW, subjectSeen } from './subjects.js';

export const GATEWAY = 'edge';

/** A situation that something is decided about. */
export interface Situation {
  readonly source: PolicySource;
  readonly policy: Policy;
  readonly compiled: CompiledPolicy;
  readonly subject: PostureSubject;
  readonly now: number;
}

/** A situation, what was decided before it, and what comes of it. */
export interface Moment extends Situation {
  readonly past: Past;
  readonly evaluation: Evaluation;
}

/** Nothing but time passes from one of these to the next more than so often: a story is not about ages. */
const MOST_REVIEWS = 60;

/** What happens in a story, with when, before anything is decided. */
export function situationsOf({ policy, sight, steps }: Story): Situation[] {
  const first = situation(policy, subjectSeen(sight, NOW), NOW);
  return steps.reduce(
    (situations, step) => {
      const before = situations.at(-1) ?? first;
      const now = before.now + step.after;
      const subject = step.sight === undefined ? before.subject : subjectSeen(step.sight, now);
      return [...situations, situation(step.policy ?? before.source, subject, now)];
    },
    [first],
  );
}

const situation = (source: PolicySource, subject: PostureSubject, now: number): Situation => ({
  source,
  ...readyFrom(source),
  subject,
  now,
});

const READY = new Map<string, Pick<Situation, 'policy' | 'compiled'>>();

/** Reading a policy takes far longer than deciding by it, and stories come back to the same one. */
function readyFrom(source: PolicySource): Pick<Situation, 'policy' | 'compiled'> {
  const text = JSON.stringify(source);
  const known = READY.get(text);
  if (known !== undefined) return known;
  const policy = parsed(source);
  const ready = { policy, compiled: compilePolicy(policy) };
  if (READY.size >= 100) READY.clear();
  READY.set(text, ready);
  return ready;
}

/**
 * Every moment of a story at which a running engine decides: when something happens, at every review, and at the `further`
 * times.
 */
export function courseOf(story: Story, further: readonly number[] = []): Moment[] {
  const situations = situationsOf(story);
  const course: Moment[] = [];
  for (const [index, current] of situations.entries()) {
    const end = situations[index + 1]?.now ?? current.now;
    let moment = decidedAt(current, course.at(-1));
    course.push(moment);
    for (let reviews = 0; reviews < MOST_REVIEWS; reviews++) {
      const { now, evaluation } = moment;
      const next = Math.min(evaluation.reviewAt ?? Infinity, ...further.filter((time) => time > now));
      if (next >= end) break;
      moment = decidedAt({ ...current, now: next }, moment);
      course.push(moment);
    }
  }
  return course;
}

const decidedAt = (current: Situation, before: Moment | undefined): Moment => {
  const past = before === undefined ? NO_PAST : pastOf(before.evaluation);
  return { ...current, past, evaluation: evaluate(current, past) };
};

export const evaluate = ({ compiled, subject, now }: Situation, past: Past): Evaluation =>
  evaluateGateway(compiled, GATEWAY, subject, now, past);

/** What an evaluation hands on to the next. */
export const pastOf = ({ graces, resources }: Pick<Evaluation, 'graces' | 'resources'>): Past => ({
  graces,
  reached: () => new Map(Object.entries(resources)),
});

/** Whether two evaluations let the same in, and say the same. */
export const saysTheSame = (a: Evaluation, b: Evaluation): boolean => isDeepStrictEqual(a.resources, b.resources);

/** What comes of the same situation and past under a changed policy. */
export function under(change: Partial<PolicySource>, moment: Moment): Evaluation {
  const { compiled } = readyFrom({ ...moment.source, ...change });
  return evaluate({ ...moment, compiled }, moment.past);
}

/** The same device under the same policy, decided about again later. */
export function after(moment: Moment, now: number): Moment {
  const past = pastOf(moment.evaluation);
  return { ...moment, now, past, evaluation: evaluate({ ...moment, now }, past) };
}
