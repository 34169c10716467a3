import { describe, expect, test } from '@jest/globals';
import type { Effect, Reason, ResourceDecision } from '@stance/contracts';
import * as fc from 'fast-check';
import { compilePolicy, evaluateGateway, NO_PAST, worseOf, type Evaluation, type Past } from './index.js';
import { conditionsOn, GRADED } from './reference/catalogue-conditions.js';
import { courseOf, evaluate, GATEWAY, pastOf, saysTheSame, situationsOf, type Moment } from './reference/course.js';
import { referenceEvaluation, type ReferenceDecision } from './reference/evaluate.js';
import {
  COMPARING,
  denyRules,
  parsed,
  policies,
  postureOf,
  type PolicySource,
  type RuleSource,
} from './reference/policies.js';
import { stories, type Story } from './reference/stories.js';
import { NOW, sights, subjectSeen } from './reference/subjects.js';
import { turningPointsAfter } from './reference/turning-points.js';

const HOUR = 3_600_000;
const LOOSENESS: Readonly<Record<Effect, number>> = { deny: 0, warn: 1, allow: 2 };

/** The resources that one evaluation opens further than another. */
function opensMore(changed: Evaluation, before: Evaluation): string[] {
  return Object.keys(before.resources).filter((name) => looseness(changed, name) > looseness(before, name));
}

/** How often something came up: a property that never bites proves nothing. */
class Count {
  #times = 0;
  when(happened: boolean): void {
    if (happened) this.#times++;
  }
  expectAtLeast(times: number): void {
    expect(this.#times).toBeGreaterThanOrEqual(times);
  }
}

const looseness = ({ resources }: Evaluation, name: string): number => LOOSENESS[resources[name]?.effect ?? 'deny'];
const effects = ({ resources }: Evaluation): Effect[] => Object.values(resources).map(({ effect }) => effect);

describe('along any story, an evaluation', () => {
  test('equals a plain reading of the specification', () => {
    const warnings = new Count();
    fc.assert(
      fc.property(stories(6), (story) => {
        let past = NO_PAST;
        for (const moment of courseOf(story)) {
          past = expectAsSpecified(moment, past);
          warnings.when(effects(moment.evaluation).includes('warn'));
        }
      }),
      { numRuns: runs(300) },
    );
    warnings.expectAtLeast(20);
  });

  test('equals it too where nobody looked in between', () => {
    fc.assert(
      fc.property(stories(6), (story) => {
        let [past, specified] = [NO_PAST, NO_PAST];
        for (const situation of situationsOf(story)) {
          const evaluation = evaluate(situation, past);
          specified = expectAsSpecified({ ...situation, past, evaluation }, specified);
          past = pastOf(evaluation);
        }
      }),
      { numRuns: runs(300) },
    );
  });

  test('is the same each time and changes nothing that it is given', () => {
    fc.assert(
      fc.property(stories(3), (story) => {
        for (const { policy, subject, now, past, evaluation } of courseOf(story)) {
          const [subjectBefore, gracesBefore] = [structuredClone(subject), structuredClone(past.graces)];
          const policyBefore = structuredClone(policy);
          expect(evaluateGateway(compilePolicy(policy), GATEWAY, subject, now, past)).toEqual(evaluation);
          expect([subject, past.graces, policy]).toEqual([subjectBefore, gracesBefore, policyBefore]);
        }
      }),
      { numRuns: runs(100) },
    );
  });

  test('gives reasons for every denial and warning, and none for an allow', () => {
    fc.assert(
      fc.property(stories(3), (story) => {
        for (const { evaluation } of courseOf(story)) {
          for (const { effect, reasons, until, graceSince } of Object.values(evaluation.resources)) {
            expect(reasons.length > 0).toBe(effect !== 'allow');
            expect([until !== undefined, graceSince !== undefined]).toEqual([effect === 'warn', effect === 'warn']);
            for (const { message } of reasons) expect(message).not.toMatch(/undefined|NaN|\[object/);
          }
        }
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('a device is not let in further', () => {
  test('by one more deny rule', () => {
    const losses = new Count();
    fc.assert(
      fc.property(stories(3), denyRules, fc.nat(), (story, rule, place) => {
        for (const moment of courseOf(story)) {
          const { rules } = moment.source;
          const added: RuleSource = { ...rule, name: 'added' };
          const changed = under({ rules: rules.toSpliced(place % (rules.length + 1), 0, added) }, moment);
          expect(opensMore(changed, moment.evaluation)).toEqual([]);
          losses.when(opensMore(moment.evaluation, changed).length > 0);
        }
      }),
      { numRuns: runs(150) },
    );
    losses.expectAtLeast(10);
  });

  test('by the loss of an attribute, where no condition asks for presence', () => {
    const losses = new Count();
    fc.assert(
      fc.property(stories(3, COMPARING), (story) => {
        for (const moment of courseOf(story)) {
          const { subject, past, evaluation } = moment;
          for (const lost of Object.keys(subject.attributes)) {
            const { [lost]: _, ...attributes } = subject.attributes;
            const changed = evaluate({ ...moment, subject: { ...subject, attributes } }, past);
            expect(opensMore(changed, evaluation)).toEqual([]);
            losses.when(opensMore(evaluation, changed).length > 0);
          }
        }
      }),
      { numRuns: runs(100) },
    );
    losses.expectAtLeast(10);
  });

  // Only policies that ask for the better in what they allow by and for the worse in what they deny by: an admin can just as
  // well write a rule that wants the worse value, such as a repair portal for infected machines.
  test.each(GRADED.map(({ name }) => name))('by a worse %s', (name) => {
    const losses = new Count();
    const graded = GRADED.filter((one) => one.name === name);
    const values = fc.constantFrom(...graded.flatMap((one) => one.values));
    const past = fc.constantFrom(NO_PAST, failingSince(NOW), failingSince(NOW - 5 * HOUR));
    fc.assert(
      fc.property(policies(conditionsOn(graded)), sights, values, values, past, (source, sight, one, other, before) => {
        if (worseOf(name, one, other) !== 'second') return;
        const policy = parsed({ ...source, rules: source.rules.filter(({ when }) => when?.includes('a') !== true) });
        const evaluated = (value: typeof one): Evaluation => {
          const subject = subjectSeen({ ...sight, attributes: { [name]: { value, agent: 0 } } }, NOW);
          return evaluateGateway(compilePolicy(policy), GATEWAY, subject, NOW, before);
        };
        const [better, worse] = [evaluated(one), evaluated(other)];
        expect(opensMore(worse, better)).toEqual([]);
        losses.when(opensMore(better, worse).length > 0);
      }),
      { numRuns: runs(80) },
    );
    losses.expectAtLeast(1);
  });

  test('by a grace for longer than it lasts, whatever comes between', () => {
    const warnings = new Count();
    fc.assert(
      fc.property(flapping, (spells) => {
        for (const { now, warned, lastMoment } of graceAlong(spells)) {
          warnings.when(warned);
          if (warned) expect(now).toBeLessThan(lastMoment);
        }
      }),
      { numRuns: runs(300) },
    );
    warnings.expectAtLeast(50);
  });
});

describe('an exception', () => {
  test('does what taking its postures out of its rule would do, no more and no less', () => {
    const uses = new Count();
    fc.assert(
      fc.property(stories(4), (story) => {
        for (const moment of courseOf(story)) {
          const { source, subject, now, evaluation } = moment;
          const running = source.exceptions.filter(
            ({ device, until }) => device === subject.deviceId && now < Date.parse(until),
          );
          const waived = (rule: string): string[] => running.flatMap((one) => (one.rule === rule ? one.waive : []));
          const rules = source.rules.map((rule) => without(rule, waived(rule.name)));
          const expected = under({ rules, exceptions: [] }, moment);
          expect(effects(evaluation)).toEqual(effects(expected));
          uses.when(!saysTheSame(evaluation, under({ exceptions: [] }, moment)));
        }
      }),
      { numRuns: runs(200) },
    );
    uses.expectAtLeast(10);
  });

  test('that is over, or of another device, changes nothing', () => {
    fc.assert(
      fc.property(stories(3), (story) => {
        for (const moment of courseOf(story)) {
          const { source, subject, now, evaluation } = moment;
          const exceptions = source.exceptions.filter(
            ({ device, until }) => device === subject.deviceId && now < Date.parse(until),
          );
          expect(under({ exceptions }, moment)).toEqual(evaluation);
        }
      }),
      { numRuns: runs(100) },
    );
  });
});

describe('the order of rules', () => {
  test('changes no effect, and neither whom nor for how long it lets in', () => {
    const told = ({ resources }: Evaluation): unknown[] =>
      Object.values(resources).map(({ effect, until, requiresOwner, shadow }) => [
        effect,
        until,
        requiresOwner,
        shadow,
      ]);
    fc.assert(
      fc.property(stories(3), (story) => {
        for (const moment of courseOf(story)) {
          const rules = moment.source.rules.toReversed();
          expect(told(under({ rules }, moment))).toEqual(told(moment.evaluation));
        }
      }),
      { numRuns: runs(150) },
    );
  });
});

describe('the review time', () => {
  test('is the first at which time alone changes anything', () => {
    const reviews = new Count();
    fc.assert(
      fc.property(
        stories(3),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }),
        (story, shares) => {
          for (const moment of courseOf(story)) {
            const { now, evaluation } = moment;
            const end = evaluation.reviewAt ?? now + 1000 * HOUR;
            const later = (at: number): Evaluation => evaluate({ ...moment, now: at }, pastOf(evaluation));
            for (const at of [...shares.map((share) => now + Math.floor(share * (end - 1 - now))), end - 1]) {
              expect(later(at).resources).toEqual(evaluation.resources);
            }
            reviews.when(evaluation.reviewAt !== null);
            if (evaluation.reviewAt === null) continue;
            expect(end).toBeGreaterThan(now);
            expect(saysTheSame(later(end), evaluation) && remembersTheSame(later(end), evaluation)).toBe(false);
          }
        },
      ),
      { numRuns: runs(150) },
    );
    reviews.expectAtLeast(100);
  });

  test('is enough: deciding then, and only then, says the same as deciding whenever anything could change', () => {
    fc.assert(
      fc.property(stories(2), (story) => {
        for (const moment of courseOf(story).slice(-1)) {
          const points = turningPointsAfter(moment.policy, moment.subject, moment.now, moment.evaluation.graces);
          let [often, seldom] = [moment, moment];
          for (const now of points.slice(0, 150).flatMap((point) => [point - 1, point])) {
            if (now < often.now) continue;
            while (seldom.evaluation.reviewAt !== null && seldom.evaluation.reviewAt <= now) {
              seldom = after(seldom, seldom.evaluation.reviewAt);
            }
            often = after(often, now);
            expect(often.evaluation.resources).toEqual(seldom.evaluation.resources);
          }
        }
      }),
      { numRuns: runs(100) },
    );
  });

  test('may be anticipated: deciding more often changes nothing that is decided', () => {
    const time = fc.integer({ min: 1, max: 100 * HOUR }).map((offset) => NOW + offset);
    fc.assert(
      fc.property(stories(4), fc.array(time, { minLength: 1, maxLength: 6 }), (story, further) => {
        const often = new Map(courseOf(story, further).map(({ now, evaluation }) => [now, evaluation.resources]));
        const seldom = new Map(courseOf(story).map(({ now, evaluation }) => [now, evaluation.resources]));
        for (const [now, resources] of seldom) expect(often.get(now)).toEqual(resources);
      }),
      { numRuns: runs(150) },
    );
  });
});

function runs(usual: number): number {
  return usual * Number(process.env['STANCE_PROPERTY_RUNS'] ?? 1);
}

/** Holds an evaluation against the reference, which has a memory of its own, and gives that. */
function expectAsSpecified({ policy, subject, now, evaluation }: Moment, past: Past): Past {
  const specified = referenceEvaluation(policy, GATEWAY, subject, now, past);
  const told = Object.entries(evaluation.resources).map(([name, decision]) => [name, inItsWords(decision)]);
  expect(Object.fromEntries(told)).toEqual(specified.resources);
  expect(evaluation.graces).toEqual(specified.graces);
  return pastOf({ graces: specified.graces, resources: evaluation.resources });
}

function inItsWords(decision: ResourceDecision): ReferenceDecision {
  const { effect, enforced, reasons, until, graceSince, requiresOwner, shadow } = decision;
  const { exceptions = [], shadowReasons = [] } = decision;
  return {
    effect,
    enforced,
    reasons: sorted(reasons.map(reasonText)),
    until,
    graceSince,
    requiresOwner,
    exceptions: sorted(exceptions.map(({ reason }) => reason)),
    shadow,
    shadowReasons: sorted(shadowReasons.map(reasonText)),
  };
}

const reasonText = ({ code, rule = '', posture = '', condition = '' }: Reason): string =>
  `${code}|${rule}|${posture}|${condition}`;

const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].toSorted();

/** What comes of the same situation and past under a changed policy. */
function under(change: Partial<PolicySource>, moment: Moment): Evaluation {
  const compiled = compilePolicy(parsed({ ...moment.source, ...change }));
  return evaluate({ ...moment, compiled }, moment.past);
}

/** The same device under the same policy, decided about again later. */
function after(moment: Moment, now: number): Moment {
  const past = pastOf(moment.evaluation);
  return { ...moment, now, past, evaluation: evaluate({ ...moment, now }, past) };
}

/** Of rules and postures as {@link policies} name them: each has been held, and fails since then. */
function failingSince(failing: number): Past {
  const since = new Date(failing).toISOString();
  const graces = ['rule 0', 'rule 1', 'rule 2', 'rule 3'].flatMap((rule) =>
    ['a', 'b', 'c'].map((posture) => ({ rule, posture, failingSince: since })),
  );
  return { ...NO_PAST, graces };
}

/** A rule that no longer asks for some postures. */
function without({ require = [], requireAny = [], ...rule }: RuleSource, waived: readonly string[]): RuleSource {
  const required = require.filter((one) => !waived.includes(postureOf(one)));
  const isMet = requireAny.some((one) => waived.includes(postureOf(one)));
  return {
    ...rule,
    ...(required.length > 0 && { require: required }),
    ...(requireAny.length > 0 && !isMet && { requireAny }),
  };
}

/** Whether the same failures run, since the same time. */
function remembersTheSame(a: Evaluation, b: Evaluation): boolean {
  const running = ({ graces }: Evaluation): unknown[] =>
    graces.map(({ resources, failingSince: since, heldSince }) => [resources, heldSince === undefined ? since : '']);
  return JSON.stringify(running(a)).replaceAll('null', '""') === JSON.stringify(running(b)).replaceAll('null', '""');
}

/** A device in one state for some hours. */
interface Spell {
  readonly hours: number;
  readonly infected: boolean | undefined;
  readonly quarantined: boolean;
  readonly member: boolean;
}

const rarely = fc.oneof({ weight: 6, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
const flapping: fc.Arbitrary<Spell[]> = fc.array(
  fc.record({
    hours: fc.integer({ min: 1, max: 9 }),
    infected: fc.constantFrom(true, true, false, false, undefined),
    quarantined: rarely,
    member: rarely.map((isOut) => !isOut),
  }),
  { minLength: 2, maxLength: 12 },
);

const GRACE = 10;
const REARM = 6;

/** A device that begins clean and then flaps: at every decision whether it was warned, and until when it may be at the latest. */
function graceAlong(spells: readonly Spell[]): { now: number; warned: boolean; lastMoment: number }[] {
  const first: Spell = { hours: 1, infected: false, quarantined: false, member: true };
  let [start, cleanSince, failedSince] = [NOW, NOW, Infinity];
  const ends = [first, ...spells].map(({ hours, infected, quarantined }) => {
    const isClean = infected === false && !quarantined;
    if (!isClean) cleanSince = Infinity;
    else if (cleanSince === Infinity) cleanSince = start;
    if (infected === true && !quarantined) failedSince = Math.min(failedSince, start);
    const found = { start, lastMoment: failedSince + GRACE * HOUR };
    start += hours * HOUR;
    if (start - cleanSince >= REARM * HOUR) failedSince = Infinity;
    return found;
  });
  return courseOf(storyOf(first, spells)).map(({ now, evaluation }) => {
    const warned = evaluation.resources['wiki']?.effect === 'warn';
    const lastMoment = ends.findLast((one) => one.start <= now)?.lastMoment ?? NOW;
    return { now, warned, lastMoment: lastMoment === Infinity ? NOW : lastMoment };
  });
}

function storyOf(first: Spell, spells: readonly Spell[]): Story {
  const sightOf = ({ infected, quarantined, member }: Spell): Story['sight'] => ({
    device: { state: 'enrolled', groups: member ? ['x'] : [], tags: [] },
    agents: [{ observed: 0, seen: 0 }],
    attributes: { 'sentinelOne:infected': infected === undefined ? undefined : { value: infected, agent: 0 } },
    problems: quarantined ? ['quarantined'] : [],
  });
  const steps = spells.map((spell, index) => ({
    after: (spells[index - 1] ?? first).hours * HOUR,
    sight: sightOf(spell),
  }));
  return { policy: GRACE_POLICY, sight: sightOf(first), steps };
}

const GRACE_POLICY: PolicySource = {
  version: 1,
  defaults: { maxAge: '30d', rearm: `${REARM}h` },
  postures: { clean: { conditions: ['sentinelOne:infected == false'] } },
  gateways: { edge: { resources: ['wiki'], enforcement: 'enforce' } },
  rules: [
    {
      name: 'members read the wiki',
      effect: 'allow',
      resources: ['wiki'],
      groups: ['x'],
      require: [{ posture: 'clean', grace: `${GRACE}h` }],
    },
  ],
  exceptions: [],
};
