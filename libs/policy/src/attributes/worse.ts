import type { AttributeValue } from '@stance/contracts';
import { VALUE_TYPES, type ValueType } from '../conditions/value-type.js';
import { attributeDefinition } from './catalogue.js';
import type { AttributeDefinition, AttributeType } from './definition.js';

/** Which of two values of an attribute is the worse one; `unordered` where nothing says so. */
export type Worse = 'first' | 'second' | 'neither' | 'unordered';

/**
 * Compares what two agents of one machine say by the catalogue's `worse`. A value that no condition can be decided on (of
 * another type, or outside the enumeration) is worse than any that one can.
 */
export function worseOf(name: string, first: AttributeValue, second: AttributeValue): Worse {
  if (isSameValue(first, second)) return 'neither';
  const definition = attributeDefinition(name);
  if (definition?.worse === undefined) return 'unordered';
  const difference = badnessIn(definition, first, second);
  if (Number.isNaN(difference)) return 'unordered';
  if (difference === 0) return 'neither';
  return difference > 0 ? 'first' : 'second';
}

/** Whether two values are the same. */
export function isSameValue(first: AttributeValue, second: AttributeValue): boolean {
  return (
    first === second ||
    (Array.isArray(first) && Array.isArray(second) && JSON.stringify(first) === JSON.stringify(second))
  );
}

/** Above 0 where the first is worse, below where the second is; NaN where neither can be decided on. */
function badnessIn(
  { type, values, worse }: AttributeDefinition,
  first: AttributeValue,
  second: AttributeValue,
): number {
  if (worse === 'last') return compareReadings(rankAmong(values ?? []), first, second);
  const difference = BY_TYPE[type](first, second);
  return worse === 'true' || worse === 'greater' || !Number.isFinite(difference) ? difference : -difference;
}

type Readable<Value> = Pick<ValueType<Value>, 'read' | 'compare'>;

const comparing =
  <Value>(type: Readable<Value>) =>
  (first: AttributeValue, second: AttributeValue): number =>
    compareReadings(type, first, second);

const BY_TYPE: Readonly<Record<AttributeType, (first: AttributeValue, second: AttributeValue) => number>> = {
  boolean: comparing(VALUE_TYPES.boolean),
  number: comparing(VALUE_TYPES.number),
  string: comparing(VALUE_TYPES.string),
  version: comparing(VALUE_TYPES.version),
  date: comparing(VALUE_TYPES.date),
  duration: comparing(VALUE_TYPES.duration),
  list: () => Number.NaN,
};

/** By the order of the two; what cannot be read is the worst either way. */
function compareReadings<Value>(
  { read, compare }: Readable<Value>,
  first: AttributeValue,
  second: AttributeValue,
): number {
  const [one, other] = [read(first), read(second)];
  if (one === undefined) return other === undefined ? Number.NaN : Infinity;
  return other === undefined ? -Infinity : compare(one, other);
}

/** The place among the values, from best to worst. */
function rankAmong(values: readonly string[]): Readable<number> {
  return {
    read: (value) => (typeof value === 'string' && values.includes(value) ? values.indexOf(value) : undefined),
    compare: (one, other) => one - other,
  };
}
