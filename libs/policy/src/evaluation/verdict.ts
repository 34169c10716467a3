import { isUnknown, Outcome } from '../conditions/outcome.js';
import type { CompiledPosture, CompiledRule } from './compile-policy.js';
import type { Facts } from './facts.js';

/** False if any condition is, else unknown if any is, else true. */
export function postureOutcome(posture: CompiledPosture, facts: Facts): Outcome {
  const known = facts.postures[posture.slot];
  if (known !== undefined) return known;
  let outcome: Outcome = Outcome.TRUE;
  for (const { check } of posture.conditions) {
    const found = check(facts);
    if (found === Outcome.FALSE) {
      outcome = found;
      break;
    }
    if (outcome === Outcome.TRUE) outcome = found;
  }
  facts.postures[posture.slot] = outcome;
  return outcome;
}

/** What becomes of a rule for a device; null where it does not speak of it. */
export function ruleOutcome(compiled: CompiledRule, facts: Facts): Outcome | null {
  const known = facts.rules[compiled.slot];
  if (known !== undefined) return known;
  const outcome = compiled.applies(facts.subject.device) ? conditionsOutcome(compiled, facts) : null;
  facts.rules[compiled.slot] = outcome;
  return outcome;
}

function conditionsOutcome({ require, requireAny, when }: CompiledRule, facts: Facts): Outcome {
  let outcome: Outcome = Outcome.TRUE;
  for (const posture of require) {
    const found = postureOutcome(posture, facts);
    if (found === Outcome.FALSE) return found;
    if (outcome === Outcome.TRUE) outcome = found;
  }
  for (const choice of [requireAny, when]) {
    if (choice.length === 0) continue;
    const found = anyOutcome(choice, facts);
    if (found === Outcome.FALSE) return found;
    if (outcome === Outcome.TRUE) outcome = found;
  }
  return outcome;
}

/** True if any posture is, else unknown if any is, else false. */
function anyOutcome(postures: readonly CompiledPosture[], facts: Facts): Outcome {
  let outcome: Outcome = Outcome.FALSE;
  for (const posture of postures) {
    const found = postureOutcome(posture, facts);
    if (found === Outcome.TRUE) return found;
    if (isUnknown(found) && outcome === Outcome.FALSE) outcome = found;
  }
  return outcome;
}

/** Whether an allow rule grants: whatever is not true, false or unknown, settles that it does not. */
export function grants({ applies, require, requireAny }: CompiledRule, facts: Facts): boolean {
  return (
    applies(facts.subject.device) &&
    require.every((posture) => isTrue(posture, facts)) &&
    (requireAny.length === 0 || requireAny.some((posture) => isTrue(posture, facts)))
  );
}

function isTrue({ slot, conditions }: CompiledPosture, facts: Facts): boolean {
  const known = facts.held[slot];
  if (known !== undefined) return known;
  const held = conditions.every(({ check }) => check(facts) === Outcome.TRUE);
  facts.held[slot] = held;
  return held;
}
