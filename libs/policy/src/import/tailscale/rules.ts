import type { DraftRule } from '../draft.js';
import { pathText, type JsonSource, type Path } from '../json-source.js';
import { listed, UniqueNames } from '../names.js';
import type { ImportReport } from '../report.js';
import type { ImportError } from '../result.js';
import { aclDestinations, grantDestinations, type Destination } from './destinations.js';
import type { TailscaleGrant, TailscalePolicyFile } from './policy-file.js';
import { portsText } from './ports.js';
import type { TailscaleResources } from './resources.js';
import { readSources, type Scope } from './sources.js';

/** An acl or grant as far as it can be said in a policy. */
export interface CarriedRule {
  readonly path: Path;
  readonly scopes: readonly Scope[];
  readonly destinations: readonly Destination[];
  /** Names of postures in the policy, of which one has to hold; none asks for nothing. */
  readonly postures: readonly string[];
}

/** Tailscale knows no other action; were there one that denies, leaving it out would allow more. */
export function unknownActions({ acls = [] }: TailscalePolicyFile, source: JsonSource): ImportError[] {
  return acls.flatMap(({ action }, index) =>
    action === 'accept'
      ? []
      : [{ message: 'the only action that can be imported is accept', ...source.locate(['acls', index, 'action']) }],
  );
}

/** All that can be carried over of the acls and grants of a file; `postures` are the names of those that were. */
export function carryRules(
  file: TailscalePolicyFile,
  postures: ReadonlyMap<string, string>,
  report: ImportReport,
): CarriedRule[] {
  const carry = (access: Access, destinations: readonly Destination[]): CarriedRule[] => {
    const { path, sources, sourcesAt } = access;
    const scopes = readSources(sources ?? [], [...path, sourcesAt], file, report);
    const required = requiredPostures(access, file.defaultSrcPosture, postures, report);
    if (scopes.length > 0 && destinations.length > 0 && required !== undefined) {
      return [{ path, scopes, destinations, postures: required }];
    }
    const lacks = scopes.length === 0 ? 'source' : destinations.length === 0 ? 'destination' : 'posture';
    report.leftOut(path, `the rule is left out, as no ${lacks} of it could be carried over`);
    return [];
  };
  return [
    ...(file.acls ?? []).flatMap((acl, index) => {
      const { src, users, srcPosture } = acl;
      const path = ['acls', index];
      const written = src === undefined && users !== undefined ? 'users' : 'src';
      const access = { path, sources: src ?? users, sourcesAt: written, srcPosture };
      return carry(access, aclDestinations(acl, path, report));
    }),
    ...(file.grants ?? []).flatMap((grant, index) => {
      const path = ['grants', index];
      if (!isNetworkGrant(grant, path, report)) return [];
      const access = { path, sources: grant.src, sourcesAt: 'src', srcPosture: grant.srcPosture };
      return carry(access, grantDestinations(grant, path, report));
    }),
  ];
}

/** What acls and grants have in common, and where it stands. */
interface Access {
  readonly path: Path;
  readonly sources: readonly string[] | undefined;
  readonly sourcesAt: string;
  readonly srcPosture: readonly string[] | undefined;
}

function isNetworkGrant({ app, via, ip }: TailscaleGrant, path: Path, report: ImportReport): boolean {
  if (app !== undefined && app !== null) {
    report.leftOut([...path, 'app'], 'what an application lets a person do is left out: Stance decides on reaching it');
  }
  if (via && via.length > 0) {
    report.leftOut(
      path,
      'the rule is left out, as a policy does not say which way traffic takes (via); a gateway does',
    );
    return false;
  }
  if (!ip || ip.length === 0) {
    report.leftOut(path, 'the rule is left out, as it grants no network access (ip)');
    return false;
  }
  return true;
}

/** Undefined where the rule asks for postures and none of them was carried over. */
function requiredPostures(
  { srcPosture: own, path }: Access,
  byDefault: readonly string[] | undefined,
  postures: ReadonlyMap<string, string>,
  report: ImportReport,
): string[] | undefined {
  // A rule's own list takes the place of the default.
  const asked = own ?? byDefault;
  if (asked === undefined) return [];
  const at = own === undefined ? ['defaultSrcPosture'] : [...path, 'srcPosture'];
  for (const [index, name] of asked.entries()) {
    if (postures.has(name)) continue;
    const message = `${name.slice(0, 100)} is not there, or was not carried over: devices that only it lets in are denied`;
    report.leftOut([...at, index], message);
  }
  const names = asked.map((name) => postures.get(name)).filter((name) => name !== undefined);
  return names.length === 0 ? undefined : [...new Set(names)];
}

/** The rules of the policy: one for each acl or grant and kind of source. `owned` names the posture of having an owner. */
export function draftRules(
  rules: readonly CarriedRule[],
  resources: TailscaleResources,
  owned: string,
  report: ImportReport,
): DraftRule[] {
  const ruleNames = new UniqueNames(200);
  return rules.flatMap(({ path, scopes, destinations, postures }) => {
    const names = new Set<string>();
    for (const one of destinations) for (const name of reached(one, resources, report)) names.add(name);
    if (names.size === 0) {
      report.leftOut(path, 'the rule is left out, as it leads to no resource that has a name');
      return [];
    }
    const reach = names.has('*') ? ['*'] : [...names];
    return scopes.map(({ who, owned: needsOwner, ...scope }): DraftRule => {
      const require = [...(needsOwner ? [owned] : []), ...(postures.length === 1 ? postures : [])];
      const what = reach[0] === '*' ? 'everything' : listed(reach, 'resources');
      return {
        name: ruleNames.name(`${pathText(path)}: ${who} to ${what}`),
        resources: reach,
        ...scope,
        ...(require.length > 0 ? { require } : {}),
        ...(postures.length > 1 ? { requireAny: postures } : {}),
      };
    });
  });
}

function reached(destination: Destination, resources: TailscaleResources, report: ImportReport): string[] {
  if (destination.target !== '*') return resources.namesFor(destination);
  if (destination.ports.some((ports) => portsText(ports) === '')) {
    report.review(destination.path, '* stays *: all that any gateway of the policy serves, later ones too');
    return ['*'];
  }
  const names = resources.namesFor(destination);
  const ports = destination.ports.map(portsText).join(', ');
  report.changed(destination.path, `* on ${ports} becomes those resources of the file that are on these ports`);
  return names;
}
