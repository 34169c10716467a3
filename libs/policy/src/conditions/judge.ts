import type { AttributeValue } from '@stance/contracts';
import type { AttributeType } from '../attributes/definition.js';
import type { Condition } from './condition.js';
import { Outcome } from './outcome.js';
import type { Operator } from './syntax.js';
import { VALUE_TYPES, type ValueType } from './value-type.js';

/** Decides a condition on a value that is there and current. */
export type Judge = (value: AttributeValue) => Outcome;

/** Prepares the decision on values, so that nothing of the policy is parsed any more when a value comes. */
export function judgeOf(condition: Condition): Judge {
  switch (condition.definition.type) {
    case 'boolean':
      return singleJudge(VALUE_TYPES.boolean, condition);
    case 'number':
      return singleJudge(VALUE_TYPES.number, condition);
    case 'string':
      return listed(condition, singleJudge(VALUE_TYPES.string, condition));
    case 'version':
      return remembered(singleJudge(VALUE_TYPES.version, condition));
    case 'date':
      return singleJudge(VALUE_TYPES.date, condition);
    case 'duration':
      return singleJudge(VALUE_TYPES.duration, condition);
    default:
      return containsJudge(condition);
  }
}

function singleJudge<Value>(type: ValueType<Value>, condition: Condition): Judge {
  return equalityJudge(condition) ?? comparingJudge(type, condition);
}

/** Values that are equal only if they are the same need no reading: nearly all conditions are of this kind. */
function equalityJudge({ definition, operator, literals }: Condition): Judge | undefined {
  const type = PRIMITIVES[definition.type];
  if (type === undefined) return undefined;
  const operands = literals.map((literal) => VALUE_TYPES[definition.type].literal(literal));
  const [operand] = operands;
  const isOfType = (value: AttributeValue): boolean =>
    typeof value === type && (type !== 'number' || Number.isFinite(value));
  const [same, other] =
    operator === '==' || operator === 'IN' ? [Outcome.TRUE, Outcome.FALSE] : [Outcome.FALSE, Outcome.TRUE];
  switch (operator) {
    case '==':
    case '!=':
      return (value) => (value === operand ? same : isOfType(value) ? other : Outcome.MISTYPED);
    case 'IN':
    case 'NOT IN': {
      const wanted: ReadonlySet<unknown> = new Set(operands);
      return (value) => (wanted.has(value) ? same : isOfType(value) ? other : Outcome.MISTYPED);
    }
    default:
      return undefined;
  }
}

const PRIMITIVES: Partial<Record<AttributeType, 'boolean' | 'number' | 'string'>> = {
  boolean: 'boolean',
  number: 'number',
  string: 'string',
};

function comparingJudge<Value>(type: ValueType<Value>, condition: Condition): Judge {
  const holds = comparison(
    type,
    condition.operator,
    condition.literals.map((literal) => type.literal(literal)).filter((operand) => operand !== undefined),
  );
  return (value) => {
    const read = type.read(value);
    if (read === undefined) return Outcome.MISTYPED;
    return holds(read) ? Outcome.TRUE : Outcome.FALSE;
  };
}

function comparison<Value>(
  type: ValueType<Value>,
  operator: Operator,
  operands: readonly Value[],
): (value: Value) => boolean {
  const [operand] = operands;
  // Presence is decided before any value is looked at, and a list is no single value.
  if (operand === undefined || operator === 'IS SET' || operator === 'NOT SET' || operator === 'CONTAINS') {
    return () => operator === 'IS SET';
  }
  switch (operator) {
    case '==':
      return (value) => type.compare(value, operand) === 0;
    case '!=':
      return (value) => type.compare(value, operand) !== 0;
    case '<':
      return (value) => type.compare(value, operand) < 0;
    case '<=':
      return (value) => type.compare(value, operand) <= 0;
    case '>':
      return (value) => type.compare(value, operand) > 0;
    case '>=':
      return (value) => type.compare(value, operand) >= 0;
    case 'IN':
      return (value) => operands.some((one) => type.compare(value, one) === 0);
    default:
      return (value) => operands.every((one) => type.compare(value, one) !== 0);
  }
}

/** A value outside its enumeration is unknown to every comparison: nobody has said yet what it means. */
function listed({ operator, definition: { values } }: Condition, judge: Judge): Judge {
  if (values === undefined) return judge;
  const known: ReadonlySet<AttributeValue> = new Set(values);
  // A value that a condition names is in the enumeration: the condition was checked.
  const named = operator === '==' || operator === 'IN' ? Outcome.TRUE : Outcome.FALSE;
  return (value) => {
    const outcome = judge(value);
    return outcome === named || typeof value !== 'string' || known.has(value) ? outcome : Outcome.UNLISTED;
  };
}

function containsJudge({ literals, definition: { values } }: Condition): Judge {
  const wanted = literals[0]?.text;
  const known = values === undefined ? undefined : new Set(values);
  return (value) => {
    if (!Array.isArray(value) || value.some((entry) => typeof entry !== 'string')) return Outcome.MISTYPED;
    if (known !== undefined && value.some((entry) => !known.has(entry))) return Outcome.UNLISTED;
    return wanted !== undefined && value.includes(wanted) ? Outcome.TRUE : Outcome.FALSE;
  };
}

const REMEMBERED = 1024;
const LONGEST_REMEMBERED = 64;

/** A fleet has few versions but asks about one for every device: up to a thousand answers are kept. */
function remembered(judge: Judge): Judge {
  const outcomes = new Map<string, Outcome>();
  return (value) => {
    if (typeof value !== 'string' || value.length > LONGEST_REMEMBERED) return judge(value);
    const known = outcomes.get(value);
    if (known !== undefined) return known;
    const outcome = judge(value);
    if (outcomes.size >= REMEMBERED) outcomes.clear();
    outcomes.set(value, outcome);
    return outcome;
  };
}
