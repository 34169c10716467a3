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
  readonly isMetBy: (value: AttributeValue | null) => boolean;
  /** What asking costs, in tries. */
  readonly tries: number;
}

export function demand(condition: Condition, wanted: boolean): Demand {
  return { condition, wanted, isMetBy: meeting(condition, wanted), tries: condition.literals.length || 1 };
}

function meeting(condition: Condition, wanted: boolean): Demand['isMetBy'] {
  if (condition.operator === 'IS SET') return (value) => (value !== null) === wanted;
  if (condition.operator === 'NOT SET') return (value) => (value === null) === wanted;
  const judge = judgeOf(condition);
  const outcome = wanted ? Outcome.TRUE : Outcome.FALSE;
  return (value) => value !== null && judge(value) === outcome;
}

/** Thrown where conditions leave so many values to try that the search is given up: spell the device of the test out. */
export class SearchTooLong extends Error {
  override readonly name = 'SearchTooLong';
}

/** How many values may still be tried against a condition; that tests share it bounds them all. */
export class SearchEffort {
  constructor(private left: number) {}

  /** @throws {SearchTooLong} */
  spend(tries: number): void {
    this.left -= tries;
    if (this.left < 0) throw new SearchTooLong('no values that meet all conditions were found in time');
  }
}

/** Values that meet one demand after the other, as far as they do not contradict each other. */
export class ValueSearch {
  readonly #effort: SearchEffort;
  readonly #demands = new Map<string, Demand[]>();
  readonly #values = new Map<string, AttributeValue | null>();
  /** Conditions that hold, and conditions that are false. */
  readonly #met: Readonly<Record<'true' | 'false', Set<Condition>>> = { true: new Set(), false: new Set() };

  constructor(effort: SearchEffort) {
    this.#effort = effort;
  }

  get values(): Values {
    return this.#values;
  }

  /**
   * Meets all these demands beside those met so far, or none of them where they contradict those or each other.
   * @throws {SearchTooLong}
   */
  meet(demands: readonly Demand[]): boolean {
    this.#effort.spend(demands.length);
    const fresh = demands.filter((one) => !this.#met[`${one.wanted}`].has(one.condition));
    const found: { attribute: string; value: AttributeValue | null; asked: Demand[] }[] = [];
    for (const [attribute, asked] of Map.groupBy(fresh, ({ condition }) => condition.attribute)) {
      const value = this.#valueFor(attribute, asked);
      if (value === undefined) return false;
      found.push({ attribute, value, asked });
    }
    for (const { attribute, value, asked } of found) {
      this.#values.set(attribute, value);
      this.#demands.set(attribute, [...(this.#demands.get(attribute) ?? []), ...asked]);
      for (const { condition, wanted } of asked) this.#met[`${wanted}`].add(condition);
    }
    return true;
  }

  #valueFor(attribute: string, asked: readonly Demand[]): AttributeValue | null | undefined {
    const current = this.#values.get(attribute);
    if (current !== undefined && this.#allMet(asked, current)) return current;
    const before = this.#demands.get(attribute) ?? [];
    const conditions = [...before, ...asked].map(({ condition }) => condition);
    this.#effort.spend(conditions.reduce((sum, { literals }) => sum + 1 + literals.length, 0));
    // What is asked anew rules out most of them.
    return candidates(conditions).find((value) => this.#allMet(asked, value) && this.#allMet(before, value));
  }

  #allMet(demands: readonly Demand[], value: AttributeValue | null): boolean {
    return demands.every(({ isMetBy, tries }) => {
      this.#effort.spend(tries);
      return isMetBy(value);
    });
  }
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
