import type { DeviceProof } from '@stance/contracts';
import type { Condition } from '../conditions/condition.js';
import type { Exception, Gateway, Hold, Policy, Posture, Requirement, Rule } from '../policy.js';
import { checkOf, type Check } from './check.js';
import type { PostureSubject } from './facts.js';

export interface CompiledCondition {
  readonly condition: Condition;
  readonly posture: string;
  /** Milliseconds. */
  readonly maxAge: number;
  readonly check: Check;
}

/** A posture under one `maxAge`; rules that ask for the same share it. */
export interface CompiledPosture {
  readonly name: string;
  readonly slot: number;
  readonly conditions: readonly CompiledCondition[];
}

/** A posture that one rule asks for. */
export interface CompiledRequirement {
  readonly slot: number;
  readonly rule: Rule;
  readonly posture: CompiledPosture;
  /** For how long a failure is borne with, in milliseconds; 0 for not at all. */
  readonly grace: number;
  /** Milliseconds. */
  readonly rearm: number;
}

export interface CompiledRule {
  readonly rule: Rule;
  readonly slot: number;
  /** Whether the rule speaks of this device. */
  readonly applies: (device: PostureSubject['device']) => boolean;
  /** What it grants, it grants to the owner of the device. */
  readonly boundToOwner: boolean;
  readonly require: readonly CompiledRequirement[];
  readonly requireAny: readonly CompiledRequirement[];
  readonly when: readonly CompiledPosture[];
  /** Those of its requirements that have a grace. */
  readonly graced: readonly CompiledRequirement[];
}

/** The rules that decide about a resource. */
export interface RuleBook {
  readonly name: string;
  readonly denies: readonly CompiledRule[];
  readonly allows: readonly CompiledRule[];
}

export interface CompiledResource extends RuleBook {
  /** The same with the rules in report mode; undefined where there are none. */
  readonly withReported: RuleBook | undefined;
}

export interface CompiledGateway {
  readonly name: string;
  readonly resources: readonly CompiledResource[];
  readonly identity: DeviceProof | undefined;
  readonly isEnforced: boolean;
  readonly hold: Hold | undefined;
}

export interface CompiledException {
  readonly exception: Exception;
  /** By slot. */
  readonly requirements: ReadonlySet<number>;
}

/** A policy made ready for many evaluations; the same for all gateways. */
export interface CompiledPolicy {
  readonly policy: Policy;
  readonly resources: ReadonlyMap<string, CompiledResource>;
  readonly gateways: ReadonlyMap<string, CompiledGateway>;
  /** By device. */
  readonly exceptions: ReadonlyMap<string, readonly CompiledException[]>;
  readonly hasGraces: boolean;
}

/** Turns conditions into functions and finds the rules of each resource, once. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const rules = compileRules(policy);
  const resources = compileResources(policy.gateways, rules);
  return {
    policy,
    resources,
    gateways: new Map(policy.gateways.map((gateway) => [gateway.name, compileGateway(gateway, resources)])),
    exceptions: Map.groupBy(compileExceptions(policy.exceptions, rules), ({ exception }) => exception.device),
    hasGraces: rules.some(({ graced }) => graced.length > 0),
  };
}

function compileRules(policy: Policy): CompiledRule[] {
  const posturesByAge = new Map<string, CompiledPosture>();
  let requirements = 0;
  const compiledPosture = (name: string, rule: Rule): CompiledPosture[] => {
    const posture = policy.postures.get(name);
    if (posture === undefined) return [];
    const maxAge = rule.maxAge ?? posture.maxAge ?? policy.maxAge;
    const key = `${maxAge} ${name}`;
    const known = posturesByAge.get(key) ?? compilePosture(posture, maxAge, posturesByAge.size);
    posturesByAge.set(key, known);
    return [known];
  };
  const compiledRequirements = (asked: readonly Requirement[], rule: Rule): CompiledRequirement[] =>
    asked.flatMap(({ posture: name, grace, rearm }) =>
      compiledPosture(name, rule).map((posture) => ({ slot: requirements++, rule, posture, grace, rearm })),
    );
  return policy.rules.map((rule, slot): CompiledRule => {
    const require = compiledRequirements(rule.require, rule);
    const requireAny = compiledRequirements(rule.requireAny, rule);
    return {
      rule,
      slot,
      applies: scopeOf(rule),
      boundToOwner: rule.groups.length > 0 || rule.owners.length > 0,
      require,
      requireAny,
      when: rule.when.flatMap((name) => compiledPosture(name, rule)),
      graced: [...require, ...requireAny].filter(({ grace }) => grace > 0),
    };
  });
}

function compilePosture({ name, conditions }: Posture, maxAge: number, slot: number): CompiledPosture {
  return {
    name,
    slot,
    conditions: conditions.map((condition) => ({
      condition,
      posture: name,
      maxAge,
      check: checkOf(condition, maxAge),
    })),
  };
}

function compileResources(gateways: readonly Gateway[], rules: readonly CompiledRule[]): Map<string, CompiledResource> {
  const served = new Map<string, CompiledRule[]>();
  for (const name of gateways.flatMap((gateway) => gateway.resources)) served.set(name, []);
  for (const compiled of rules) for (const name of compiled.rule.resources) served.get(name)?.push(compiled);
  return new Map(
    [...served].map(([name, all]) => {
      const enforced = all.filter(({ rule }) => rule.mode === 'enforce');
      const withReported = enforced.length < all.length ? ruleBook(name, all) : undefined;
      return [name, { ...ruleBook(name, enforced), withReported }];
    }),
  );
}

function ruleBook(name: string, rules: readonly CompiledRule[]): RuleBook {
  return {
    name,
    denies: rules.filter(({ rule }) => rule.effect === 'deny'),
    allows: rules.filter(({ rule }) => rule.effect === 'allow'),
  };
}

function compileGateway(gateway: Gateway, resources: ReadonlyMap<string, CompiledResource>): CompiledGateway {
  const { name, identity, enforcement, hold } = gateway;
  return {
    name,
    resources: gateway.resources.map((resource) => resources.get(resource)).filter((found) => found !== undefined),
    identity,
    isEnforced: enforcement === 'enforce',
    hold,
  };
}

function compileExceptions(exceptions: readonly Exception[], rules: readonly CompiledRule[]): CompiledException[] {
  const byName = new Map(rules.map((compiled) => [compiled.rule.name, compiled]));
  return exceptions.map((exception) => {
    const { require = [], requireAny = [] } = byName.get(exception.rule) ?? {};
    const waived = [...require, ...requireAny].filter(({ posture }) => exception.waive.includes(posture.name));
    return { exception, requirements: new Set(waived.map(({ slot }) => slot)) };
  });
}

/** Any within groups, tags and owners, all across them; what a rule does not name does not narrow it. */
function scopeOf({ groups, tags, owners }: Rule): CompiledRule['applies'] {
  const wantedGroups = new Set(groups);
  const wantedTags = new Set(tags);
  const wantedOwners = new Set(owners);
  return (device) =>
    (wantedGroups.size === 0 || device.groups.some((group) => wantedGroups.has(group))) &&
    (wantedTags.size === 0 || device.tags.some((tag) => wantedTags.has(tag))) &&
    (wantedOwners.size === 0 || (device.owner !== undefined && wantedOwners.has(device.owner)));
}
