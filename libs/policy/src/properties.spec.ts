import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { Effect, ResourceDecision } from '@stance/contracts';
import { propertyRuns } from '@stance/testing';
import * as fc from 'fast-check';
import {
  compilePolicy,
  effectOn,
  evaluateGateway,
  NO_PAST,
  prepareSubject,
  worseOf,
  type Evaluation,
  type Past,
} from './index.js';
import { conditionsOn, GRADED } from './spec/reference/catalogue-conditions.js';
import {
  after,
  courseOf,
  evaluate,
  GATEWAY,
  pastOf,
  saysTheSame,
  situationsOf,
  under,
  type Moment,
} from './spec/reference/course.js';
import { flapping, graceAlong } from './spec/reference/flapping.js';
import { referenceEvaluation, type ReferenceDecision, type ReferenceEvaluation } from './spec/reference/evaluate.js';
import { AGEING, COMPARING, denyRules, parsed, policies, without, type RuleSource } from './spec/reference/policies.js';
import { stories } from './spec/reference/stories.js';
import { NOW, sights, subjectSeen } from './spec/reference/subjects.js';
import { turningPointsAfter } from './spec/reference/turning-points.js';
import { inItsWords } from './spec/reference/wording.js';

const HOUR = 3_600_000;
const LOOSENESS: Readonly<Record<Effect, number>> = { deny: 0, warn: 1, allow: 2 };

/** The resources that one evaluation opens further than another. */
function opensMore(changed: Evaluation, before: Evaluation): string[] {
  return Object.keys(before.resources).filter((name) => looseness(changed, name) > looseness(before, name));
}

/** How often something came up: a property that never bites proves nothing. */
class Count {
  times = 0;
  when(happened: boolean): void {
    if (happened) this.times++;
  }
}

interface Biting {
  readonly usualRuns: number;
  readonly count: Count;
  readonly least: number;
}

/** Holds a property, by ever more stories until it has bitten often enough; after many times as many it fails. */
function assertBiting<Story>(property: fc.IProperty<Story>, { usualRuns, count, least }: Biting): void {
  for (let round = 0; round < 25 && (round === 0 || count.times < least); round += 1) {
    fc.assert(property, { numRuns: propertyRuns(usualRuns) });
  }
  expect(count.times).toBeGreaterThanOrEqual(least);
}

const looseness = ({ resources }: Evaluation, name: string): number => LOOSENESS[resources[name]?.effect ?? 'deny'];
const effects = ({ resources }: Evaluation): Effect[] => Object.values(resources).map(({ effect }) => effect);

describe('along any story, an evaluation', () => {
  test('equals a plain reading of the specification', () => {
    const warnings = new Count();
    assertBiting(
      fc.property(fc.oneof(stories(6), stories(6, AGEING)), (story) => {
        let past = NO_PAST;
        for (const moment of courseOf(story)) {
          past = expectAsSpecified(moment, past);
          warnings.when(effects(moment.evaluation).includes('warn'));
        }
      }),
      { usualRuns: 100, count: warnings, least: 10 },
    );
  });

  test('equals it too where nobody looked in between', () => {
    fc.assert(
      fc.property(fc.oneof(stories(6), stories(6, AGEING)), (story) => {
        let [past, specified] = [NO_PAST, NO_PAST];
        for (const situation of situationsOf(story)) {
          const evaluation = evaluate(situation, past);
          specified = expectAsSpecified({ ...situation, past, evaluation }, specified);
          past = pastOf(evaluation);
        }
      }),
      { numRuns: propertyRuns(125) },
    );
  });

  test('denies a device without a posture record and keeps what is remembered of it, as specified', () => {
    fc.assert(
      fc.property(stories(3), (story) => {
        for (const { policy, compiled, now, past, evaluation } of courseOf(story)) {
          const handedOn = pastOf(evaluation);
          const unknown = evaluateGateway(compiled, GATEWAY, undefined, now, handedOn);
          expectToEqual(unknown, referenceEvaluation(policy, GATEWAY, undefined, now, handedOn));
          expect(effects(unknown)).not.toContain('allow');
          expect(evaluateGateway(compiled, GATEWAY, undefined, now, past).reviewAt).toBeNull();
        }
      }),
      { numRuns: propertyRuns(25) },
    );
  });

  test('has the effects that counting over a fleet finds', () => {
    fc.assert(
      fc.property(stories(3), (story) => {
        for (const { compiled, subject, now, past, evaluation } of courseOf(story)) {
          const prepared = prepareSubject(compiled.attributes, subject);
          const counted = [...compiled.resources].map(([name, resource]) => {
            return [name, effectOn(compiled, resource, prepared, now, past)];
          });
          const told = Object.entries(evaluation.resources).map(([name, { effect }]) => [name, effect]);
          expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(told));
        }
      }),
      { numRuns: propertyRuns(50) },
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
      { numRuns: propertyRuns(50) },
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
      { numRuns: propertyRuns(50) },
    );
  });
});

describe('a device is not let in further', () => {
  test('by one more deny rule', () => {
    const losses = new Count();
    assertBiting(
      fc.property(stories(3), denyRules, fc.nat(), (story, rule, place) => {
        for (const moment of courseOf(story)) {
          const { rules } = moment.source;
          const added: RuleSource = { ...rule, name: 'added' };
          const changed = under({ rules: rules.toSpliced(place % (rules.length + 1), 0, added) }, moment);
          expect(opensMore(changed, moment.evaluation)).toEqual([]);
          losses.when(opensMore(moment.evaluation, changed).length > 0);
        }
      }),
      { usualRuns: 75, count: losses, least: 3 },
    );
  });

  test('by the loss of an attribute, where no condition asks for presence', () => {
    const losses = new Count();
    assertBiting(
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
      { usualRuns: 50, count: losses, least: 10 },
    );
  });

  // Only policies that ask for the better in what they allow by and for the worse in what they deny by: an admin can just as
  // well write a rule that wants the worse value, such as a repair portal for infected machines.
  test.each(GRADED.map((graded) => [graded.name, graded] as const))('by a worse %s', (name, graded) => {
    const losses = new Count();
    const values = fc.constantFrom(...graded.values);
    const past = fc.constantFrom(NO_PAST, failingSince(NOW), failingSince(NOW - 5 * HOUR));
    assertBiting(
      fc.property(policies(conditionsOn(graded)), sights, values, values, past, (source, sight, one, other, before) => {
        if (worseOf(name, one, other) !== 'second') return;
        const rules = source.rules.filter(({ when }) => when?.includes('a') !== true);
        const policy = compilePolicy(parsed({ ...source, rules }));
        const evaluated = (value: typeof one): Evaluation =>
          evaluateGateway(policy, GATEWAY, subjectSeen(graded.shown(sight, value), NOW), NOW, before);
        const [better, worse] = [evaluated(one), evaluated(other)];
        expect(opensMore(worse, better)).toEqual([]);
        losses.when(opensMore(better, worse).length > 0);
      }),
      { usualRuns: 40, count: losses, least: 1 },
    );
  });

  test('by a grace for longer than it lasts, whatever comes between', () => {
    const warnings = new Count();
    assertBiting(
      fc.property(flapping, (spells) => {
        for (const { now, warned, lastMoment } of graceAlong(spells)) {
          warnings.when(warned);
          expect(warned && now >= lastMoment).toBe(false);
        }
      }),
      { usualRuns: 150, count: warnings, least: 50 },
    );
  });
});

describe('an exception', () => {
  test('does what taking its postures out of its rule would do, no more and no less', () => {
    const uses = new Count();
    assertBiting(
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
      { usualRuns: 60, count: uses, least: 3 },
    );
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
      { numRuns: propertyRuns(50) },
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
      { numRuns: propertyRuns(75) },
    );
  });
});

describe('the review time', () => {
  test('is the first at which time alone changes anything', () => {
    const reviews = new Count();
    assertBiting(
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
      { usualRuns: 75, count: reviews, least: 100 },
    );
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
      { numRuns: propertyRuns(50) },
    );
  });

  test('may be anticipated: deciding more often changes nothing that is decided', () => {
    const time = fc.integer({ min: 1, max: 100 * HOUR }).map((offset) => NOW + offset);
    fc.assert(
      fc.property(
        fc.oneof(stories(4), stories(4, AGEING)),
        fc.array(time, { minLength: 1, maxLength: 6 }),
        (story, further) => {
          const often = new Map(courseOf(story, further).map(({ now, evaluation }) => [now, evaluation.resources]));
          const seldom = new Map(courseOf(story).map(({ now, evaluation }) => [now, evaluation.resources]));
          for (const [now, resources] of seldom) expect(often.get(now)).toEqual(resources);
        },
      ),
      { numRuns: propertyRuns(75) },
    );
  });
});

/** Holds an evaluation against the reference, which has a memory of its own, and gives that. */
function expectAsSpecified({ policy, subject, now, evaluation }: Moment, past: Past): Past {
  const specified = referenceEvaluation(policy, GATEWAY, subject, now, past);
  expectToEqual(evaluation, specified);
  return { graces: specified.graces, reached: () => new Map(Object.entries(specified.resources).map(asReached)) };
}

function asReached([name, { effect, graceSince }]: [string, ReferenceDecision]): [string, Reached] {
  return [name, { effect, ...(graceSince !== undefined && { graceSince }) }];
}
type Reached = Pick<ResourceDecision, 'effect' | 'graceSince'>;

function expectToEqual(evaluation: Evaluation, specified: ReferenceEvaluation): void {
  const told = Object.entries(evaluation.resources).map(([name, decision]) => [name, inItsWords(decision)]);
  expect(Object.fromEntries(told)).toEqual(specified.resources);
  expect(evaluation.graces).toEqual(specified.graces);
}

/** Of rules and postures as {@link policies} name them: each has been held, and fails since then. */
function failingSince(failing: number): Past {
  const since = new Date(failing).toISOString();
  const graces = ['rule 0', 'rule 1', 'rule 2', 'rule 3'].flatMap((rule) =>
    ['a', 'b', 'c'].map((posture) => ({ rule, posture, failingSince: since })),
  );
  return { ...NO_PAST, graces };
}

/** Whether the same failures are remembered, and the same ones hold again. */
function remembersTheSame(a: Evaluation, b: Evaluation): boolean {
  const failures = ({ graces }: Evaluation): unknown[] =>
    graces.map((one) => [one.resources, one.failingSince, one.heldSince === undefined]);
  return isDeepStrictEqual(failures(a), failures(b));
}
