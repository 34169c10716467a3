import type { DeviceProof } from '@stance/contracts';
import type { Condition } from '../conditions/condition.js';
import type { Exception, Gateway, Hold, Policy, Posture, Requirement, Rule } from '../policy.js';
import { checkOf, type Check } from './check.js';
import type { CompiledException } from './facts.js';
import { graceKey } from './grace-key.js';
import type { GracedRequirement } from './grace.js';
import { readerOf, type Reader } from './reading.js';
import type { PostureSubject } from './subject.js';

export interface CompiledCondition {
  readonly condition: Condition;
  readonly posture: string;
  /** Milliseconds. */
  readonly maxAge: number;
  readonly check: Check;
  readonly read: Reader;
}

/** A posture under one `maxAge`; rules that ask for the same share it. */
export interface CompiledPosture {
  readonly name: string;
  readonly slot: number;
  /** More than one resource or rule asks for it. */
  readonly isShared: boolean;
  readonly conditions: readonly CompiledCondition[];
}

/** A posture that one rule asks for. */
export interface CompiledRequirement extends GracedRequirement {
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
  readonly hasGraces: boolean;
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

/** A policy made ready for many evaluations; the same for all gateways. */
export interface CompiledPolicy {
  readonly policy: Policy;
  readonly resources: ReadonlyMap<string, CompiledResource>;
  readonly gateways: ReadonlyMap<string, CompiledGateway>;
  /** By device. */
  readonly exceptions: ReadonlyMap<string, readonly CompiledException[]>;
  readonly hasGraces: boolean;
  /** Of its requirements with grace. */
  readonly graceKeys: ReadonlySet<string>;
  /** The attributes of agents that conditions ask for. */
  readonly attributes: readonly string[];
}

/** Thrown for a policy that `parsePolicy` did not make: a rule that asks for nothing would let everybody in. */
class UnknownPosture extends Error {
  override readonly name = 'UnknownPosture';

  constructor(rule: string, posture: string) {
    super(`The rule "${rule}" asks for a posture ${posture} that the policy does not have.`);
  }
}

/** Turns conditions into functions and finds the rules of each resource, once. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const attributes = attributesOf(policy);
  const rules = compileRules(policy, attributes);
  const resources = compileResources(policy.gateways, rules);
  return {
    policy,
    resources,
    gateways: new Map(policy.gateways.map((gateway) => [gateway.name, compileGateway(gateway, resources)])),
    exceptions: Map.groupBy(compileExceptions(policy.exceptions, rules), ({ exception }) => exception.device),
    hasGraces: rules.some(({ graced }) => graced.length > 0),
    graceKeys: new Set(
      rules.flatMap(({ rule, graced }) => graced.map(({ posture }) => graceKey(rule.name, posture.name))),
    ),
    attributes,
  };
}

function attributesOf({ postures }: Policy): string[] {
  const conditions = [...postures.values()].flatMap((posture) => posture.conditions);
  return [
    ...new Set(conditions.filter(({ definition }) => definition.origin === 'agent').map(({ attribute }) => attribute)),
  ];
}

function compileRules(policy: Policy, attributes: readonly string[]): CompiledRule[] {
  const posturesByAge = new Map<string, CompiledPosture>();
  const slots = new Map(attributes.map((attribute, slot) => [attribute, slot]));
  const shared = sharedPostures(policy.rules);
  let requirements = 0;
  const compiledPosture = (name: string, rule: Rule): CompiledPosture => {
    const posture = policy.postures.get(name);
    if (posture === undefined) throw new UnknownPosture(rule.name, name);
    const maxAge = rule.maxAge ?? posture.maxAge ?? policy.maxAge;
    const key = `${maxAge} ${name}`;
    const known = posturesByAge.get(key);
    if (known !== undefined) return known;
    const compiled: CompiledPosture = {
      name,
      slot: posturesByAge.size,
      isShared: shared.has(name),
      conditions: compileConditions(posture, maxAge, slots),
    };
    posturesByAge.set(key, compiled);
    return compiled;
  };
  const compiledRequirements = (asked: readonly Requirement[], rule: Rule): CompiledRequirement[] =>
    asked.map(({ posture, grace, rearm }) => ({
      slot: requirements++,
      rule,
      posture: compiledPosture(posture, rule),
      grace,
      rearm,
    }));
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
      when: rule.when.map((name) => compiledPosture(name, rule)),
      graced: [...require, ...requireAny].filter(({ grace }) => grace > 0),
    };
  });
}

/** Names of the postures that are asked for more than once in deciding about a device: remembering them pays. */
function sharedPostures(rules: readonly Rule[]): ReadonlySet<string> {
  const uses = new Map<string, number>();
  for (const { require, requireAny, when, resources } of rules) {
    const names = [...[...require, ...requireAny].map(({ posture }) => posture), ...when];
    for (const name of names) uses.set(name, (uses.get(name) ?? 0) + resources.length);
  }
  return new Set([...uses].filter(([, count]) => count > 1).map(([name]) => name));
}

function compileConditions(
  { name, conditions }: Posture,
  maxAge: number,
  slots: ReadonlyMap<string, number>,
): CompiledCondition[] {
  return conditions.map((condition) => ({
    condition,
    posture: name,
    maxAge,
    check: checkOf(condition, maxAge, slots.get(condition.attribute)),
    read: readerOf(condition.attribute, condition.definition.origin),
  }));
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
  const allows = rules.filter(({ rule }) => rule.effect === 'allow');
  return {
    name,
    denies: rules.filter(({ rule }) => rule.effect === 'deny'),
    allows,
    hasGraces: allows.some(({ graced }) => graced.length > 0),
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
  if (groups.length === 0 && tags.length === 0 && owners.length === 0) return () => true;
  const inGroups = anyOf(groups);
  const inTags = anyOf(tags);
  // As gateways compare the users that they prove.
  const isOwner = anyOf(owners.map((owner) => owner.toLowerCase()));
  return ({ groups: ofOwner, tags: ofDevice, owner }) =>
    inGroups(ofOwner) && inTags(ofDevice) && isOwner(owner === undefined ? [] : [owner.toLowerCase()]);
}

/** Whether one of the names is wanted; any will do where none is. */
function anyOf(wanted: readonly string[]): (names: readonly string[]) => boolean {
  if (wanted.length === 0) return () => true;
  const set = new Set(wanted);
  return (names) => {
    for (const name of names) if (set.has(name)) return true;
    return false;
  };
}
