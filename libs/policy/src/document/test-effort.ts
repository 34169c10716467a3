import { entriesOf, fieldOf, listOf, posturesOf, referencesOf } from './reading.js';

/** What a posture costs to decide. */
export interface Weight {
  /** Conditions and listed values. */
  readonly size: number;
  /** Values that a growing age is compared with. */
  readonly ages: number;
}

/** A test from `passing` looks at the rules to find such a device, for what is remembered of it, and for the outcome. */
const LOOKS_FROM_PASSING = 3;
/** What it costs to work out what is remembered of a posture with grace, in looks at a rule; its conditions are looked at twice. */
const GRACE = 20;

/** What deciding about a resource looks at. */
interface Cost {
  /** Rules. */
  readonly rules: number;
  /** References to postures, and what is remembered of them. */
  readonly references: number;
  /** Conditions, counted for each rule that asks for them. */
  readonly conditions: number;
}

const NOTHING: Cost = { rules: 0, references: 0, conditions: 0 };

/**
 * How many rules, references to postures and conditions the tests of a policy look at in all. What several rules ask for is
 * looked at once, so `all`, what the rules of the policy ask for, bounds the conditions.
 */
export function testEffort(root: unknown, weights: ReadonlyMap<string, Weight>, all: Weight): number {
  const tests = listOf(fieldOf(root, 'tests'));
  if (tests.length === 0) return 0;
  const costOf = costs(root, weights);
  let effort = 0;
  for (const [, test] of tests) {
    const device = fieldOf(test, 'device');
    const memberships = listOf(fieldOf(device, 'groups')).length + listOf(fieldOf(device, 'tags')).length;
    const times = fieldOf(test, 'from') === 'passing' ? LOOKS_FROM_PASSING : 1;
    for (const [resource] of entriesOf(fieldOf(test, 'expect'))) {
      const { rules, references, conditions } = costOf(resource);
      effort += times * (rules * (1 + memberships) + references + Math.min(conditions, all.size));
    }
  }
  return effort;
}

function costs(root: unknown, weights: ReadonlyMap<string, Weight>): (resource: string) => Cost {
  const byResource = new Map<unknown, Cost>();
  for (const [, rule] of listOf(fieldOf(root, 'rules'))) {
    const cost = costOfRule(rule, weights);
    const resources = new Set(listOf(fieldOf(rule, 'resources')).map(([, resource]) => resource));
    for (const resource of resources.has('*') ? ['*'] : resources) {
      byResource.set(resource, sum(byResource.get(resource), cost));
    }
  }
  return (resource) => sum(byResource.get(resource), byResource.get('*'));
}

function costOfRule(rule: unknown, weights: ReadonlyMap<string, Weight>): Cost {
  const postures = posturesOf(rule);
  const conditions = postures.reduce((total, name) => total + (weights.get(name)?.size ?? 0), 0);
  const graces = referencesOf(rule).reduce<number>((total, reference) => {
    const { size, ages } = gracedWeight(reference, weights);
    return size === 0 ? total : total + GRACE + 2 * size * (1 + ages);
  }, 0);
  return { rules: 1, references: postures.length + graces, conditions };
}

/** What has to be decided to know since when a posture with grace fails; nothing of one without. */
export function gracedWeight(reference: unknown, weights: ReadonlyMap<string, Weight>): Weight {
  const posture = fieldOf(reference, 'posture');
  const isGraced = fieldOf(reference, 'grace') !== undefined && typeof posture === 'string';
  return (isGraced ? weights.get(posture) : undefined) ?? { size: 0, ages: 0 };
}

function sum(a = NOTHING, b = NOTHING): Cost {
  return {
    rules: a.rules + b.rules,
    references: a.references + b.references,
    conditions: a.conditions + b.conditions,
  };
}
