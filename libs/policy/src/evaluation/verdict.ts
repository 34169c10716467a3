import { isUnknown, Outcome } from '../conditions/outcome.js';
import type { CompiledPosture, CompiledRequirement, CompiledRule } from './compile-policy.js';
import type { CompiledException, Facts } from './facts.js';
import { remember, type Found, type Remembered } from './grace.js';

/** False if any condition is, else unknown if any is, else true. */
export function postureOutcome(posture: CompiledPosture, facts: Facts): Outcome {
  if (!posture.isShared) return outcomeNow(posture, facts);
  const known = facts.postures[posture.slot];
  if (known !== undefined) return known;
  const outcome = outcomeNow(posture, facts);
  facts.postures[posture.slot] = outcome;
  return outcome;
}

function outcomeNow(posture: CompiledPosture, facts: Facts): Outcome {
  let outcome: Outcome = Outcome.TRUE;
  for (const { check } of posture.conditions) {
    const found = check(facts);
    if (found === Outcome.FALSE) {
      outcome = found;
      break;
    }
    if (outcome === Outcome.TRUE) outcome = found;
  }
  return outcome;
}

/** Whether a posture is true: what is not, false or unknown, is settled by the first condition that is not. */
function holds(posture: CompiledPosture, facts: Facts): boolean {
  if (!posture.isShared) return holdsNow(posture, facts);
  const known = facts.held[posture.slot];
  if (known !== undefined) return known;
  const held = holdsNow(posture, facts);
  facts.held[posture.slot] = held;
  return held;
}

function holdsNow({ conditions }: CompiledPosture, facts: Facts): boolean {
  for (const { check } of conditions) if (check(facts) !== Outcome.TRUE) return false;
  return true;
}

/** Whether every condition is known: grace bears with what is false, never with what cannot be told. */
function isKnown({ conditions }: CompiledPosture, facts: Facts): boolean {
  return conditions.every(({ check }) => !isUnknown(check(facts)));
}

/** What becomes of each condition of a posture, in their order. */
export function outcomesOf(posture: CompiledPosture, facts: Facts): readonly Outcome[] {
  if (!posture.isShared) return posture.conditions.map(({ check }) => check(facts));
  return (facts.outcomes[posture.slot] ??= posture.conditions.map(({ check }) => check(facts)));
}

/** What becomes of a rule for a device, graces and exceptions aside; null where it does not speak of it. */
export function ruleOutcome(compiled: CompiledRule, facts: Facts): Outcome | null {
  const known = facts.rules[compiled.slot];
  if (known !== undefined) return known;
  const outcome = compiled.applies(facts.subject.device) ? conditionsOutcome(compiled, facts) : null;
  facts.rules[compiled.slot] = outcome;
  return outcome;
}

function conditionsOutcome({ require, requireAny, when }: CompiledRule, facts: Facts): Outcome {
  let outcome: Outcome = Outcome.TRUE;
  for (const { posture } of require) {
    const found = postureOutcome(posture, facts);
    if (found === Outcome.FALSE) return found;
    if (outcome === Outcome.TRUE) outcome = found;
  }
  // An allow rule has no `when`, a deny rule nothing else.
  if (when.length > 0) return anyOutcome(when, facts, (posture) => posture);
  if (requireAny.length === 0) return outcome;
  const found = anyOutcome(requireAny, facts, ({ posture }) => posture);
  return found === Outcome.FALSE || outcome === Outcome.TRUE ? found : outcome;
}

/** True if any posture is, else unknown if any is, else false. */
function anyOutcome<Choice>(
  choices: readonly Choice[],
  facts: Facts,
  postureOf: (choice: Choice) => CompiledPosture,
): Outcome {
  let outcome: Outcome = Outcome.FALSE;
  for (const choice of choices) {
    const found = postureOutcome(postureOf(choice), facts);
    if (found === Outcome.TRUE) return found;
    if (isUnknown(found) && outcome === Outcome.FALSE) outcome = found;
  }
  return outcome;
}

/** Whether an allow rule grants without anybody bearing with anything. */
export function grants({ applies, require, requireAny }: CompiledRule, facts: Facts): boolean {
  if (!applies(facts.subject.device)) return false;
  for (const { posture } of require) if (!holds(posture, facts)) return false;
  if (requireAny.length === 0) return true;
  for (const { posture } of requireAny) if (holds(posture, facts)) return true;
  return false;
}

/** A requirement that fails and is borne with; times in milliseconds since the epoch. */
export interface Borne {
  readonly requirement: CompiledRequirement;
  readonly since: number;
  readonly until: number;
}

/** How an allow rule grants although some of its requirements do not hold. */
export interface Leniency {
  /** In the order of the rule; none where exceptions alone let the device in. */
  readonly borne: readonly Borne[];
  readonly waived: readonly Waived[];
}

export interface Waived {
  readonly requirement: CompiledRequirement;
  readonly exception: CompiledException;
}

/** How a rule grants a resource by exceptions and graces; undefined where it does not. */
export function leniencyOf(
  { applies, require, requireAny }: CompiledRule,
  resource: string,
  facts: Facts,
): Leniency | undefined {
  if (!applies(facts.subject.device)) return undefined;
  const borne: Borne[] = [];
  const waived: Waived[] = [];
  const take = (found: Borne | Waived | 'held'): void => {
    if (found === 'held') return;
    if ('since' in found) borne.push(found);
    else waived.push(found);
  };
  for (const requirement of require) {
    const met = meets(requirement, resource, facts);
    if (met === undefined) return undefined;
    take(met);
  }
  if (requireAny.length > 0) {
    const met = mildest(requireAny.map((requirement) => meets(requirement, resource, facts)));
    if (met === undefined) return undefined;
    take(met);
  }
  return { borne, waived };
}

type Met = Borne | Waived | 'held' | undefined;

/** How a requirement is met for a resource; undefined where it is not. */
export function meets(requirement: CompiledRequirement, resource: string, facts: Facts): Met {
  if (holds(requirement.posture, facts)) return 'held';
  const exception = facts.hasExceptions ? facts.exceptionFrom(requirement) : undefined;
  return exception === undefined ? bearing(requirement, resource, facts) : { requirement, exception };
}

/** One that holds or is waived, else the one that is borne with longest. */
function mildest(choice: readonly Met[]): Met {
  return choice.reduce((best, met) => {
    if (met === undefined || best === 'held') return best;
    if (met === 'held' || best === undefined) return met;
    if (!('until' in best)) return best;
    return !('until' in met) || met.until > best.until ? met : best;
  }, undefined);
}

/** The grace of a requirement that fails, while it runs. */
function bearing(requirement: CompiledRequirement, resource: string, facts: Facts): Borne | undefined {
  if (requirement.grace === 0) return undefined;
  const { resources, failingSince } = graceOf(requirement, facts);
  if (failingSince === undefined || resources?.includes(resource) === false) return undefined;
  if (postureOutcome(requirement.posture, facts) !== Outcome.FALSE || !isKnown(requirement.posture, facts)) {
    return undefined;
  }
  const until = failingSince + requirement.grace;
  if (facts.now >= until) return undefined;
  facts.changes(until);
  return { requirement, since: failingSince, until };
}

/**
 * Why a failure is not borne with: when the grace for it ended, in milliseconds since the epoch, or that there was none as the
 * device has never held the posture. Undefined without grace, or where it is not the grace that lacks.
 */
export function endOfGrace(
  requirement: CompiledRequirement,
  resource: string,
  facts: Facts,
): number | 'never held' | undefined {
  if (requirement.grace === 0) return undefined;
  const { resources, failingSince } = graceOf(requirement, facts);
  if (resources?.includes(resource) === false) return 'never held';
  if (failingSince === undefined) return undefined;
  const end = failingSince + requirement.grace;
  facts.changes(end);
  return facts.now < end ? undefined : end;
}

/** What is remembered of a requirement with grace from this moment on. */
export function graceOf(requirement: CompiledRequirement, facts: Facts): Remembered {
  const known = facts.graces[requirement.slot];
  if (known !== undefined) return known;
  const { posture, rearm } = requirement;
  const found: Found = {
    outcome: postureOutcome(posture, facts),
    now: facts.now,
    notHeldSince: () => sinceWhen(facts, requirement, (moment) => !holds(posture, moment)),
    falseSince: () => sinceWhen(facts, requirement, (moment) => postureOutcome(posture, moment) === Outcome.FALSE),
  };
  const state = remember(facts.remembered(requirement), found, rearm);
  facts.graces[requirement.slot] = state;
  // That it is armed again is recorded when it is: a later policy may mean something else by the posture.
  if (state.heldSince !== undefined) facts.changes(state.heldSince + rearm);
  return state;
}

/**
 * Since when something is so of a requirement that was remembered before: a failure counts from when time brought it about,
 * however late it is looked at. Now where time is not the cause.
 */
function sinceWhen(facts: Facts, requirement: CompiledRequirement, isSo: (moment: Facts) => boolean): number {
  const { beginning, now } = facts;
  if (beginning === undefined || beginning >= now || !facts.remembers(requirement)) return now;
  let moment = facts.at(beginning);
  let was = isSo(moment);
  let since = now;
  for (let at = moment.changesAt; at !== undefined && at <= now; at = moment.changesAt) {
    moment = facts.at(at);
    const is = isSo(moment);
    if (is && !was) since = at;
    was = is;
  }
  return since;
}
