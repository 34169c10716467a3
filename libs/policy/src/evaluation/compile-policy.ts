import type { Condition } from '../conditions/condition.js';
import type { Gateway, Policy, Posture, Rule } from '../policy.js';
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

export interface CompiledRule {
  readonly rule: Rule;
  readonly slot: number;
  /** Whether the rule speaks of this device. */
  readonly applies: (device: PostureSubject['device']) => boolean;
  /** What it grants, it grants to the owner of the device. */
  readonly boundToOwner: boolean;
  readonly require: readonly CompiledPosture[];
  readonly requireAny: readonly CompiledPosture[];
  readonly when: readonly CompiledPosture[];
}

export interface CompiledResource {
  readonly name: string;
  readonly denies: readonly CompiledRule[];
  readonly allows: readonly CompiledRule[];
}

/** A policy made ready for many evaluations; the same for all gateways. */
export interface CompiledPolicy {
  readonly policy: Policy;
  readonly resources: ReadonlyMap<string, CompiledResource>;
  /** The resources of each gateway. */
  readonly gateways: ReadonlyMap<string, readonly CompiledResource[]>;
}

/** Turns conditions into functions and finds the rules of each resource, once. */
export function compilePolicy(policy: Policy): CompiledPolicy {
  const posturesByAge = new Map<string, CompiledPosture>();
  const compiledPosture = (name: string, rule: Rule): CompiledPosture[] => {
    const posture = policy.postures.get(name);
    if (posture === undefined) return [];
    const maxAge = rule.maxAge ?? posture.maxAge ?? policy.maxAge;
    const key = `${maxAge} ${name}`;
    const known = posturesByAge.get(key) ?? compilePosture(posture, maxAge, posturesByAge.size);
    posturesByAge.set(key, known);
    return [known];
  };
  const rules = policy.rules.map((rule, slot): CompiledRule => ({
    rule,
    slot,
    applies: scopeOf(rule),
    boundToOwner: rule.groups.length > 0 || rule.owners.length > 0,
    require: rule.require.flatMap((name) => compiledPosture(name, rule)),
    requireAny: rule.requireAny.flatMap((name) => compiledPosture(name, rule)),
    when: rule.when.flatMap((name) => compiledPosture(name, rule)),
  }));
  const resources = compileResources(policy.gateways, rules);
  const gateways = policy.gateways.map(({ name, resources: names }) => {
    const served = names.map((resource) => resources.get(resource)).filter((resource) => resource !== undefined);
    return [name, served] as const;
  });
  return { policy, resources, gateways: new Map(gateways) };
}

function compileResources(gateways: readonly Gateway[], rules: readonly CompiledRule[]): Map<string, CompiledResource> {
  const resources = new Map<string, { name: string; denies: CompiledRule[]; allows: CompiledRule[] }>();
  for (const name of gateways.flatMap((gateway) => gateway.resources)) {
    resources.set(name, { name, denies: [], allows: [] });
  }
  for (const compiled of rules) {
    for (const name of compiled.rule.resources) {
      const resource = resources.get(name);
      (compiled.rule.effect === 'deny' ? resource?.denies : resource?.allows)?.push(compiled);
    }
  }
  return resources;
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
