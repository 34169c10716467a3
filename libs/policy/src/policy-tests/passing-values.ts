import type { AttributeValue } from '@stance/contracts';
import type { Condition } from '../conditions/condition.js';
import { judgeOf } from '../conditions/judge.js';
import { Outcome } from '../conditions/outcome.js';
import { VALUE_TYPES } from '../conditions/value-type.js';

/** Values of attributes by name; null for one that has to be without a value. */
export type Values = ReadonlyMap<string, AttributeValue | null>;

/** A condition that has to come out as wanted, not just unknown. */
export interface Demand {
  readonly condition: Condition;
  readonly wanted: boolean;
}

/** Values that meet all demands; undefined where they contradict each other. */
export function valuesFor(demands: readonly Demand[]): Values | undefined {
  const values = new Map<string, AttributeValue | null>();
  for (const [attribute, asked] of Map.groupBy(demands, ({ condition }) => condition.attribute)) {
    const value = candidates(asked.map(({ condition }) => condition)).find((candidate) =>
      asked.every((demand) => meets(demand, candidate)),
    );
    if (value === undefined) return undefined;
    values.set(attribute, value);
  }
  return values;
}

function meets({ condition, wanted }: Demand, value: AttributeValue | null): boolean {
  const { operator } = condition;
  if (operator === 'IS SET') return (value !== null) === wanted;
  if (operator === 'NOT SET') return (value === null) === wanted;
  return value !== null && judgeOf(condition)(value) === (wanted ? Outcome.TRUE : Outcome.FALSE);
}

/** For conditions on one attribute: the values that they name, those on either side, others, and none at all. */
function candidates(conditions: readonly Condition[]): (AttributeValue | null)[] {
  const literals = conditions.flatMap((condition) => condition.literals);
  const texts = literals.map(({ text }) => text);
  const definition = conditions[0]?.definition;
  switch (definition?.type) {
    case 'boolean':
      return [true, false, null];
    case 'number':
      return [...texts.flatMap((text) => beside(Number(text), 1)), 1, null];
    case 'string':
      return [...texts, ...(definition.values ?? ['something else']), null];
    case 'version':
      return [...texts, ...texts.map((text) => `${text.replace(/[-~+A-Za-z].*$/, '')}.0.1`), '0', '999999', null];
    case 'date': {
      const times = literals.map((literal) => VALUE_TYPES.date.literal(literal)).filter((time) => time !== undefined);
      const near = times.flatMap((time) => beside(time, 1000)).map((time) => new Date(time).toISOString());
      return [...near, '2000-01-01T00:00:00Z', null];
    }
    case 'duration': {
      const ages = literals.map((literal) => VALUE_TYPES.duration.literal(literal)).filter((age) => age !== undefined);
      return [0, ...ages.flatMap((age) => beside(age, 1)).filter((age) => age >= 0), null];
    }
    default:
      return [texts, ...texts.map((text) => [text]), [], null];
  }
}

const beside = (value: number, step: number): number[] => [value, value + step, value - step];
