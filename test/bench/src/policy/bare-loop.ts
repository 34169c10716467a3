import type { Condition, Policy, PostureSubject } from '@stance/policy';
import { versionAtLeast } from './host-functions.js';

type BareCondition = (attributes: PostureSubject['attributes']) => boolean;

/**
 * The conditions of every rule as functions, and nothing else: no ages, no unknown values, no reasons, no groups, nothing
 * remembered from one rule to the next. Tells how many rules hold for a device.
 */
export function bareLoop({ rules, postures }: Policy): (subject: PostureSubject) => number {
  const conditionsByRule = rules.map(({ name: rule, require, requireAny, when }) => {
    const names = [...[...require, ...requireAny].map(({ posture }) => posture), ...when];
    const conditions = names.flatMap((name) => postures.get(name)?.conditions ?? []);
    if (conditions.length < names.length) throw new Error(`The bare loop misses a posture of the rule "${rule}".`);
    return conditions.map(bare);
  });
  return ({ attributes }) => {
    let holding = 0;
    for (const conditions of conditionsByRule) if (allHold(conditions, attributes)) holding += 1;
    return holding;
  };
}

function allHold(conditions: readonly BareCondition[], attributes: PostureSubject['attributes']): boolean {
  for (const condition of conditions) if (!condition(attributes)) return false;
  return true;
}

function bare({ attribute, operator, literals, definition: { type }, text }: Condition): BareCondition {
  const operands = literals.map((literal) =>
    type === 'boolean' ? literal.text === 'true' : type === 'number' ? Number(literal.text) : literal.text,
  );
  const [operand] = operands;
  if (operator === '==') return (attributes) => attributes[attribute]?.value === operand;
  if (operator === 'IN') {
    const wanted = new Set<unknown>(operands);
    return (attributes) => wanted.has(attributes[attribute]?.value);
  }
  if (operator === '>=' && type === 'version') {
    const atLeast = versionAtLeast(String(operand));
    return (attributes) => atLeast(attributes[attribute]?.value);
  }
  throw new Error(`The bare loop has no way to say ${text}.`);
}
