import type { AttributeValue } from '@stance/contracts';
import * as fc from 'fast-check';
import { ATTRIBUTES } from '../attributes/catalogue.js';
import type { AttributeDefinition } from '../attributes/definition.js';
import type { Conditions } from './policies.js';

/** Of an attribute of which the catalogue says what worse is: what to ask of it, and what it may be. */
export interface Graded {
  readonly name: string;
  /**
   * Conditions that no worse value meets where a better one does not: what they accept is all from some value on towards
   * the better. `!=` and `==` on a value in the midst, `NOT IN`, and lists with a gap are not such: who writes them may want
   * the worse value. Presence asks nothing of the value, and of two values that are there both are.
   */
  readonly asksForBetter: readonly string[];
  /** The opposite of each: what deny rules may ask for. */
  readonly asksForWorse: readonly string[];
  /** Among them some that no condition can be decided on. */
  readonly values: readonly AttributeValue[];
}

const NUMBERS = [0, 1, 2, 5];
const VERSIONS = ['23.4.2', '24.1-rc1', '24.1', '24.1.7'];
const DATES = ['2026-10-01', '2026-11-01T08:00:00Z', '2026-11-20T23:59:59Z'];

/** Every agent's attribute that the catalogue grades. */
export const GRADED: readonly Graded[] = Object.entries(ATTRIBUTES).flatMap(([name, definition]) =>
  definition.worse !== undefined && definition.origin === 'agent' ? [graded(name, definition)] : [],
);

function graded(name: string, { type, values: listed = [], worse }: AttributeDefinition): Graded {
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
      values: [...listed, 'brand_new', 1],
    };
  }
  if (type === 'boolean') {
    const good = worse === 'false';
    return {
      name,
      asksForBetter: [`${name} == ${good}`, `${name} != ${!good}`, `${name} IN [${good}]`],
      asksForWorse: [`${name} == ${!good}`, `${name} != ${good}`],
      values: [true, false, 'true'],
    };
  }
  const [better, worseThan] = worse === 'greater' ? (['<', '>'] as const) : (['>', '<'] as const);
  const values = type === 'number' ? NUMBERS : type === 'version' ? VERSIONS : DATES;
  const written = (value: AttributeValue): string => (type === 'number' ? String(value) : `'${String(value)}'`);
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
    values: [...values, type === 'number' ? 'many' : 'some day'],
  };
}

/** Conditions on a few graded attributes: allow rules ask for the better, deny rules for the worse. */
export const conditionsOn = (attributes: readonly Graded[]): Conditions => ({
  wanted: fc.constantFrom(...attributes.flatMap(({ asksForBetter }) => asksForBetter)),
  unwanted: fc.constantFrom(...attributes.flatMap(({ asksForWorse }) => asksForWorse)),
});
