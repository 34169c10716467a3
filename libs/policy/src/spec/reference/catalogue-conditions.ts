import { PostureChanged, type AttributeValue } from '@stance/contracts';
import * as fc from 'fast-check';
import { ATTRIBUTES } from '../../attributes/catalogue.js';
import type { AttributeDefinition, AttributeType } from '../../attributes/definition.js';
import type { Conditions } from './policies.js';
import type { Sight } from './subjects.js';

/** An attribute of which the catalogue says what worse is: what to ask of it, and what it may be. */
export interface Graded {
  readonly name: string;
  /**
   * Conditions that no worse value meets where a better one does not: what they accept is all from some value on towards
   * the better. `!=` and `==` on a value in the midst, `NOT IN` of other than the worst, and lists with a gap are not such: who writes them may want
   * the worse value. Presence asks nothing of the value, and of two values that are there both are.
   */
  readonly asksForBetter: readonly string[];
  /** The opposite of each: what deny rules may ask for. */
  readonly asksForWorse: readonly string[];
  /** Among them, of agents' attributes, some that no condition can be decided on. */
  readonly values: readonly AttributeValue[];
  /** The device if it has this value. */
  readonly shown: (sight: Sight, value: AttributeValue) => Sight;
}

const HOUR = 3_600_000;
const inQuotes = (value: AttributeValue): string => `'${String(value)}'`;

/** Values of the types that have an order, and how conditions write them. */
const ORDERED: Readonly<
  Partial<Record<AttributeType, { values: readonly AttributeValue[]; written: (value: AttributeValue) => string }>>
> = {
  number: { values: [0, 1, 2, 5], written: String },
  version: { values: ['23.4.2', '24.1-rc1', '24.1', '24.1.7'], written: inQuotes },
  date: { values: ['2026-10-01', '2026-11-01T08:00:00Z', '2026-11-20T23:59:59Z'], written: inQuotes },
  duration: { values: [0, 1, 2, 4, 8, 30].map((hours) => hours * HOUR), written: (value) => `${Number(value)}ms` },
};

/** Every attribute that the catalogue grades. */
export const GRADED: readonly Graded[] = Object.entries(ATTRIBUTES).flatMap(([name, definition]) => {
  if (definition.worse === undefined) return [];
  return definition.origin === 'agent' ? [reported(name, definition)] : [derived(name, definition)];
});

/** What an agent reports, values that cannot be decided on among it. */
function reported(name: string, definition: AttributeDefinition): Graded {
  const { values, ...conditions } = graded(name, definition);
  return {
    ...conditions,
    values: [...values, 'brand_new', definition.type === 'string' ? 1 : 'many'],
    shown: (sight, value) => ({ ...sight, attributes: { [name]: { value, agent: 0 } } }),
  };
}

const matchedBy = PostureChanged.data.shape.agents.element.shape.by.unwrap();

/** What Stance finds out from the agents: how they were matched, and how long ago they were in contact, in milliseconds. */
function derived(name: string, definition: AttributeDefinition): Graded {
  return {
    ...graded(name, definition),
    shown: (sight, value) => ({
      ...sight,
      agents: sight.agents.map(({ by = 'serial', observed, seen = 0 }) =>
        typeof value === 'number'
          ? { by, observed: 0, seen: value / HOUR }
          : { by: matchedBy.parse(value), observed, seen },
      ),
    }),
  };
}

function graded(name: string, { type, values: listed = [], worse }: AttributeDefinition): Omit<Graded, 'shown'> {
  if (worse === 'last') {
    const limits = listed.slice(1).map((_, index) => index + 1);
    const among = (some: readonly string[]): string => `[${some.map((value) => `'${value}'`).join(', ')}]`;
    return {
      name,
      asksForBetter: [
        ...limits.map((limit) => `${name} IN ${among(listed.slice(0, limit))}`),
        ...limits.map((limit) => `${name} NOT IN ${among(listed.slice(limit))}`),
      ],
      asksForWorse: limits.map((limit) => `${name} IN ${among(listed.slice(limit))}`),
      values: listed,
    };
  }
  if (type === 'boolean') {
    const good = worse === 'false';
    return {
      name,
      asksForBetter: [`${name} == ${good}`, `${name} != ${!good}`, `${name} IN [${good}]`],
      asksForWorse: [`${name} == ${!good}`, `${name} != ${good}`],
      values: [true, false],
    };
  }
  const [better, worseThan] = worse === 'greater' ? (['<', '>'] as const) : (['>', '<'] as const);
  const { values, written } = ORDERED[type] ?? { values: [], written: String };
  return {
    name,
    asksForBetter: values.flatMap((value) => [
      `${name} ${better} ${written(value)}`,
      `${name} ${better}= ${written(value)}`,
    ]),
    asksForWorse: values.flatMap((value) => [
      `${name} ${worseThan} ${written(value)}`,
      `${name} ${worseThan}= ${written(value)}`,
    ]),
    values,
  };
}

/** Conditions on a graded attribute: allow rules ask for the better, deny rules for the worse. */
export const conditionsOn = ({ asksForBetter, asksForWorse }: Graded): Conditions => ({
  wanted: fc.constantFrom(...asksForBetter),
  unwanted: fc.constantFrom(...asksForWorse),
});
