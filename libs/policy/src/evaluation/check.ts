import type { Condition } from '../conditions/condition.js';
import { judgeOf } from '../conditions/judge.js';
import { isUnknown, Outcome } from '../conditions/outcome.js';
import { VALUE_TYPES } from '../conditions/value-type.js';
import type { Facts } from './facts.js';
import { readerOf } from './reading.js';

/** Decides a condition for a device, and notes when time alone makes the answer another. */
export type Check = (facts: Facts) => Outcome;

/**
 * Prepares a condition for evaluation; `maxAge` in milliseconds, `slot` where a prepared subject has the attribute, if agents
 * report it.
 */
export function checkOf(condition: Condition, maxAge: number, slot: number | undefined): Check {
  if (slot !== undefined) return agentCheck(condition, maxAge, slot);
  return condition.definition.type === 'duration' ? growingCheck(condition) : lastingCheck(condition);
}

function agentCheck(condition: Condition, maxAge: number, slot: number): Check {
  const { operator } = condition;
  const asksPresence = operator === 'IS SET' || operator === 'NOT SET';
  const present = operator === 'IS SET' ? Outcome.TRUE : Outcome.FALSE;
  const absent = absence(condition);
  const judge = judgeOf(condition);
  return (facts) => {
    const { prepared } = facts;
    const value = prepared.values[slot];
    // Which attributes the agents disagree on is not told: any that is missing may be one.
    if (value === undefined) return prepared.conflicting ? Outcome.CONFLICTING : absent;
    const confirmedAt = prepared.confirmedAt[prepared.agents[slot] ?? -1];
    if (confirmedAt === undefined) return Outcome.CONFLICTING;
    const outcome = asksPresence ? present : judge(value);
    if (isUnknown(outcome)) return outcome;
    const staleAt = confirmedAt + maxAge + 1;
    if (facts.now >= staleAt) return Outcome.STALE;
    facts.changes(staleAt);
    return outcome;
  };
}

/** For what does not grow stale. */
function lastingCheck(condition: Condition): Check {
  const { attribute, operator, definition } = condition;
  const read = readerOf(attribute, definition.origin);
  const absent = absence(condition);
  const judge = judgeOf(condition);
  return (facts) => {
    const reading = read(facts);
    if (reading === undefined) return absent;
    if (operator === 'IS SET') return Outcome.TRUE;
    return operator === 'NOT SET' ? Outcome.FALSE : judge(reading.value);
  };
}

/** For an age, which passes the limits of the condition by time alone. */
function growingCheck(condition: Condition): Check {
  const check = lastingCheck(condition);
  const limits = turningAges(condition);
  return (facts) => {
    const { lastSeenAt } = facts.prepared;
    if (lastSeenAt !== undefined) for (const age of limits) facts.changes(lastSeenAt + age);
    return check(facts);
  };
}

/** The ages in milliseconds at which the answer to a condition may turn. */
function turningAges({ literals, operator }: Condition): readonly number[] {
  const ages = literals.map((literal) => VALUE_TYPES.duration.literal(literal)).filter((age) => age !== undefined);
  if (operator === '<' || operator === '>=') return ages;
  if (operator === '<=' || operator === '>') return ages.map((age) => age + 1);
  return ages.flatMap((age) => [age, age + 1]);
}

function absence({ operator }: Condition): Outcome {
  if (operator === 'IS SET') return Outcome.FALSE;
  return operator === 'NOT SET' ? Outcome.TRUE : Outcome.UNSET;
}
