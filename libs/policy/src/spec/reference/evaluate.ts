import { isDeepStrictEqual } from 'node:util';
import type { Effect, GraceState } from '@stance/contracts';
import type { PostureSubject } from '../../evaluation/subject.js';
import type { Past } from '../../evaluation/past.js';
import type { Exception, Policy, Requirement, Rule } from '../../policy.js';
import { remember } from './memory.js';
import { judgePosture } from './posture.js';

/** A decision in the words of the specification; a reason is `code | rule | posture | condition`. */
export interface ReferenceDecision {
  readonly effect: Effect;
  readonly enforced: boolean;
  readonly reasons: readonly string[];
  readonly until: string | undefined;
  readonly graceSince: string | undefined;
  readonly requiresOwner: string | undefined;
  /** By their `reason`. */
  readonly exceptions: readonly string[];
  readonly shadow: Effect | undefined;
  readonly shadowReasons: readonly string[];
}

export interface ReferenceEvaluation {
  readonly resources: Readonly<Record<string, ReferenceDecision>>;
  readonly graces: readonly GraceState[];
}

type Outcome = Pick<ReferenceDecision, 'effect' | 'reasons' | 'until' | 'graceSince' | 'requiresOwner' | 'exceptions'>;

/**
 * Decides as docs/policy.md says, word by word: slow, without caching, compiling or sharing. Written without the evaluator
 * at hand, to be held against it.
 */
export function referenceEvaluation(
  policy: Policy,
  gatewayName: string,
  subject: PostureSubject | undefined,
  now: number,
  past: Past,
): ReferenceEvaluation {
  const gateway = policy.gateways.find(({ name }) => name === gatewayName);
  if (gateway === undefined) throw new Error(`no gateway ${gatewayName}`);
  const barred = barredBy(subject);
  const graces = memories(policy, gateway.resources, subject, now, past, barred === undefined);
  const decide = (resource: string): ReferenceDecision => {
    if (subject === undefined || barred !== undefined)
      return { ...DENIED, reasons: [`${barred ?? 'not-enrolled'}|||`] };
    const situation = { policy, resource, subject, now, graces };
    const outcome = outcomeOf({ ...situation, counting: ['enforce'] });
    const shadow = outcomeOf({ ...situation, counting: ['enforce', 'report'] });
    const differs = shadow.effect !== outcome.effect;
    return {
      ...outcome,
      enforced: gateway.enforcement === 'enforce',
      shadow: differs ? shadow.effect : undefined,
      shadowReasons: differs ? shadow.reasons : [],
    };
  };
  return { resources: Object.fromEntries(gateway.resources.map((name) => [name, decide(name)])), graces };
}

const NOTHING = { until: undefined, graceSince: undefined, requiresOwner: undefined, exceptions: [] };
const DENIED = { ...NOTHING, effect: 'deny', enforced: true, shadow: undefined, shadowReasons: [] } as const;

/** Why a device is denied whatever the rules say. */
function barredBy(subject: PostureSubject | undefined): string | undefined {
  if (subject === undefined || subject.device.state === 'unknown' || subject.problems.includes('not-enrolled')) {
    return 'not-enrolled';
  }
  if (subject.device.state === 'retired') return 'device-retired';
  const isUncertain = subject.problems.includes('quarantined') || subject.problems.includes('duplicate-serial');
  return isUncertain ? 'device-quarantined' : undefined;
}

function memories(
  policy: Policy,
  resources: readonly string[],
  subject: PostureSubject | undefined,
  now: number,
  past: Past,
  isCertain: boolean,
): GraceState[] {
  return policy.rules
    .filter((rule) => rule.resources.some((name) => resources.includes(name)))
    .flatMap((rule) =>
      [...rule.require, ...rule.requireAny]
        .filter(({ grace }) => grace > 0)
        .flatMap((requirement) => {
          const bears = isCertain && subject !== undefined && isFor(rule, subject);
          return remember(policy, rule, requirement, subject, now, past, { bears, isCertain }) ?? [];
        }),
    );
}

interface Situation {
  readonly policy: Policy;
  readonly resource: string;
  readonly subject: PostureSubject;
  readonly now: number;
  readonly graces: readonly GraceState[];
  readonly counting: readonly Rule['mode'][];
}

/** Any within one of groups, tags and owners, all across them. */
function isFor({ groups, tags, owners }: Rule, { device }: PostureSubject): boolean {
  const meets = (wanted: readonly string[], has: readonly string[]): boolean =>
    wanted.length === 0 || wanted.some((one) => has.includes(one));
  const owner = device.owner === undefined ? [] : [device.owner.toLowerCase()];
  const wanted = owners.map((one) => one.toLowerCase());
  return meets(groups, device.groups) && meets(tags, device.tags) && meets(wanted, owner);
}

function outcomeOf(situation: Situation): Outcome {
  const { policy } = situation;
  const outcome = { ...outcomeUnder(situation, policy.exceptions) };
  const strict = { ...outcomeUnder(situation, []), exceptions: outcome.exceptions };
  return isDeepStrictEqual(outcome, strict) ? { ...outcome, exceptions: [] } : outcome;
}

function outcomeUnder(situation: Situation, exceptions: readonly Exception[]): Outcome {
  const { policy, resource, subject, counting } = situation;
  const covering = policy.rules.filter((rule) => rule.resources.includes(resource) && counting.includes(rule.mode));
  const applicable = covering.filter((rule) => isFor(rule, subject));

  const against = applicable.flatMap((rule) => (rule.effect === 'deny' ? denialBy(rule, situation) : []));
  if (against.length > 0) return { ...NOTHING, effect: 'deny', reasons: set(against) };

  const allows = applicable.filter(({ effect }) => effect === 'allow');
  const grants = allows.map((rule) => grantOf(rule, situation, exceptions));
  const allowing = grants.filter(({ effect }) => effect === 'allow');
  const warning = grants.filter(({ effect }) => effect === 'warn');
  const granting = allowing.length > 0 ? allowing : warning;
  const forEverybody = granting.filter(({ rule: { groups, owners } }) => groups.length === 0 && owners.length === 0);
  const ownersOnly = granting.length > 0 && forEverybody.length === 0;
  const candidates = ownersOnly ? granting : forEverybody;
  const [told] = candidates.toSorted((a, b) => (a.effect === 'warn' ? b.until - a.until : 0));
  if (told !== undefined) {
    return {
      effect: told.effect,
      reasons: set(told.missing),
      until: told.effect === 'warn' ? iso(told.until) : undefined,
      graceSince: told.effect === 'warn' ? iso(told.since) : undefined,
      requiresOwner: ownersOnly ? (subject.device.owner ?? '') : undefined,
      exceptions: set(told.exceptions),
    };
  }
  const [closest] = grants.toSorted((a, b) => a.missing.length - b.missing.length);
  if (closest !== undefined) return { ...NOTHING, effect: 'deny', reasons: set(closest.missing) };
  const first = covering.find(({ effect }) => effect === 'allow');
  return { ...NOTHING, effect: 'deny', reasons: [`no-rule|${first?.name ?? ''}||`] };
}

/** The reasons of a deny rule that matches; none where it does not. */
function denialBy(rule: Rule, { policy, subject, now }: Situation): string[] {
  const { name, when } = rule;
  if (when.length === 0) return [`deny-rule|${name}||`];
  const judged = when.map((posture) => ({ posture, ...judgePosture(policy, rule, posture, subject, now) }));
  const holding = judged.filter(({ verdict }) => verdict === 'true');
  if (holding.length > 0) {
    return holding.flatMap(({ posture }) =>
      (policy.postures.get(posture)?.conditions ?? []).map(({ text }) => `deny-rule|${name}|${posture}|${text}`),
    );
  }
  return judged
    .filter(({ verdict }) => verdict === 'unknown')
    .flatMap(({ posture, failing }) => [`deny-rule|${name}|${posture}|`, ...failing.map(toReason(name, posture))]);
}

interface Grant {
  readonly rule: Rule;
  readonly effect: Effect;
  readonly missing: readonly string[];
  readonly until: number;
  readonly since: number;
  readonly exceptions: readonly string[];
}

/** What one requirement comes to; `until` and `since` of what is in grace. */
interface Standing {
  readonly kind: 'held' | 'waived' | 'graced' | 'failed';
  readonly missing: readonly string[];
  readonly until: number;
  readonly since: number;
  readonly exceptions: readonly string[];
}

function grantOf(rule: Rule, situation: Situation, exceptions: readonly Exception[]): Grant {
  const stand = (requirement: Requirement): Standing => standingOf(rule, requirement, situation, exceptions);
  const standings = rule.require.map(stand);
  if (rule.requireAny.length > 0) standings.push(bestOf(rule.requireAny.map(stand)));
  const failed = standings.filter(({ kind }) => kind === 'failed');
  const graced = standings.filter(({ kind }) => kind === 'graced');
  return {
    rule,
    effect: failed.length > 0 ? 'deny' : graced.length > 0 ? 'warn' : 'allow',
    missing: (failed.length > 0 ? failed : graced).flatMap(({ missing }) => missing),
    until: Math.min(...graced.map(({ until }) => until)),
    since: Math.min(...graced.map(({ since }) => since)),
    exceptions: standings.flatMap((one) => one.exceptions),
  };
}

/** Of `requireAny`: what holds, then what is waived, then the grace that lasts longest, then what is closest. */
function bestOf(standings: readonly Standing[]): Standing {
  const of = (kind: Standing['kind']): Standing[] => standings.filter((one) => one.kind === kind);
  const [best] = [
    ...of('held'),
    ...of('waived'),
    ...of('graced').toSorted((a, b) => b.until - a.until),
    ...of('failed').toSorted((a, b) => a.missing.length - b.missing.length),
  ];
  if (best === undefined) throw new Error('requireAny asks for nothing');
  return best;
}

function standingOf(
  rule: Rule,
  { posture, grace }: Requirement,
  { policy, resource, subject, now, graces }: Situation,
  exceptions: readonly Exception[],
): Standing {
  const { verdict, failing } = judgePosture(policy, rule, posture, subject, now);
  const missing = failing.map(toReason(rule.name, posture));
  const standing = { missing, until: Number.NaN, since: Number.NaN, exceptions: [] };
  if (verdict === 'true') return { ...standing, kind: 'held' };

  const [waiving] = exceptions
    .filter(
      (one) =>
        one.device === subject.deviceId && one.rule === rule.name && one.waive.includes(posture) && now < one.until,
    )
    .toSorted((a, b) => b.until - a.until);
  if (waiving !== undefined) return { ...standing, kind: 'waived', exceptions: [waiving.reason] };

  const memory = graces.find((one) => one.rule === rule.name && one.posture === posture);
  if (grace === 0 || memory?.failingSince === undefined) return { ...standing, kind: 'failed' };
  const since = Date.parse(memory.failingSince);
  const hasPassed = memory.resources === undefined || memory.resources.includes(resource);
  const isUnknown = failing.some(({ finding }) => finding.verdict === 'unknown');
  if (!hasPassed || isUnknown || now >= since + grace) return { ...standing, kind: 'failed' };
  return { ...standing, kind: 'graced', until: since + grace, since };
}

const toReason =
  (rule: string, posture: string) =>
  ({ condition, finding }: ReturnType<typeof judgePosture>['failing'][number]): string =>
    `${finding.code}|${rule}|${posture}|${condition.text}`;

const set = (texts: readonly string[]): string[] => [...new Set(texts)].toSorted();

const iso = (time: number): string => new Date(time).toISOString();
