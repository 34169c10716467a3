import * as fc from 'fast-check';
import { EVERY_CONDITION, policies, type Conditions, type PolicySource } from './policies.js';
import { sights, VALUES, type Sight } from './subjects.js';

const HOUR = 3_600_000;

/** What happens, and how long after what happened before. */
export interface Step {
  /** Milliseconds. */
  readonly after: number;
  readonly policy?: PolicySource;
  readonly sight?: Sight;
}

/** A policy, a device, and what becomes of both. */
export interface Story {
  readonly policy: PolicySource;
  readonly sight: Sight;
  readonly steps: readonly Step[];
}

type Edit = (story: { policy: PolicySource; sight: Sight }) => { policy?: PolicySource; sight?: Sight };

/** What may happen to a device: one value, its group, its contact, or all of it. */
const sightEdits: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...Object.keys(VALUES))
      .chain((name) => fc.tuple(fc.constant(name), fc.option(VALUES[name] ?? fc.constant(false), { nil: undefined })))
      .map(([name, value]): Edit => {
        return ({ sight }) => ({
          sight: {
            ...sight,
            attributes: { ...sight.attributes, [name]: value === undefined ? undefined : { value, agent: 0 } },
          },
        });
      }),
  },
  { weight: 4, arbitrary: fc.constant<Edit>(({ sight }) => ({ sight })) },
  {
    weight: 2,
    arbitrary: sights.map(({ device }): Edit => ({ sight }) => ({ sight: { ...sight, device } })),
  },
  { weight: 1, arbitrary: sights.map((sight): Edit => () => ({ sight })) },
);

const policyEdits = (conditions: Conditions): fc.Arbitrary<Edit> =>
  fc.oneof(
    { weight: 1, arbitrary: policies(conditions).map((policy): Edit => () => ({ policy })) },
    { weight: 2, arbitrary: fc.nat().map((place): Edit => renameRule(place)) },
    {
      weight: 2,
      arbitrary: policies(conditions).map((other): Edit => ({ policy }) => ({
        policy: { ...policy, postures: other.postures },
      })),
    },
    { weight: 1, arbitrary: fc.constant<Edit>(({ policy }) => ({ policy: { ...policy, exceptions: [] } })) },
    {
      weight: 2,
      arbitrary: policies(conditions).map((other): Edit => ({ policy }) => {
        return { policy: { ...policy, rules: [...other.rules.slice(0, 1), ...policy.rules.slice(1)], exceptions: [] } };
      }),
    },
  );

function renameRule(place: number): Edit {
  return ({ policy }) => {
    const index = place % policy.rules.length;
    const before = policy.rules[index]?.name ?? '';
    const after = `${before} again`.slice(0, 60);
    if (policy.rules.some(({ name }) => name === after)) return {};
    const renamed = <One extends { readonly name: string }>(rule: One): One =>
      rule.name === before ? { ...rule, name: after } : rule;
    return {
      policy: {
        ...policy,
        rules: policy.rules.map(renamed),
        exceptions: policy.exceptions.map((one) => (one.rule === before ? { ...one, rule: after } : one)),
      },
    };
  };
}

const after = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
  { weight: 4, arbitrary: fc.constantFrom(1, 2, 5, 10, 24, 30, 72).map((hours) => hours * HOUR) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 30 * HOUR }) },
);

/** Stories of up to `length` steps. */
export function stories(length: number, conditions: Conditions = EVERY_CONDITION): fc.Arbitrary<Story> {
  const edit = fc.oneof(
    { weight: 1, arbitrary: fc.constant<Edit>(() => ({})) },
    { weight: 6, arbitrary: sightEdits },
    { weight: 2, arbitrary: policyEdits(conditions) },
  );
  return fc
    .record({
      policy: policies(conditions),
      sight: sights,
      edits: fc.array(fc.record({ after, edit }), { minLength: 1, maxLength: length }),
    })
    .map(({ policy, sight, edits }) => {
      let current = { policy, sight };
      const steps = edits.map(({ after: milliseconds, edit: apply }): Step => {
        const change = apply(current);
        current = { ...current, ...change };
        return { after: milliseconds, ...change };
      });
      return { policy, sight, steps };
    });
}
