import { attributeDefinition } from '../../attributes/catalogue.js';
import { VALUE_TYPES } from '../../conditions/value-type.js';
import type { DraftTest } from '../draft.js';
import { pathText, type Path } from '../json-source.js';
import { shortened } from '../names.js';
import type { ImportReport } from '../report.js';
import { splitPorts } from './destinations.js';
import type { TailscalePolicyFile, TailscaleTest } from './policy-file.js';
import { readPorts } from './ports.js';
import type { TailscaleResources } from './resources.js';

/** The tests of a file as tests of the policy, as far as the policy has what they speak of. */
export function draftTests(
  file: TailscalePolicyFile,
  resources: TailscaleResources,
  report: ImportReport,
): DraftTest[] {
  return (file.tests ?? []).flatMap((test, index): DraftTest[] => {
    const path = ['tests', index];
    const src = test.src ?? test.user ?? '';
    const who = whoOf(src, file);
    if (who === undefined) {
      report.leftOut(path, `the test is left out: ${src.slice(0, 100) || 'nobody'} is no person, group or tag`);
      return [];
    }
    const expect = expectations(test, path, resources, report);
    if (expect.size === 0) return [];
    const name = shortened(`${pathText(path)}: ${src}`, 200);
    return [{ path, name, device: { ...who, ...stateOf(test, path, report) }, expect }];
  });
}

function whoOf(src: string, { groups = {} }: TailscalePolicyFile): DraftTest['device'] | undefined {
  const groupsOf = (person: string): string[] =>
    Object.entries(groups).flatMap(([name, members]) =>
      members.includes(person) ? [name.replace(/^group:/, '')] : [],
    );
  if (src.startsWith('tag:')) return { tags: [src.slice('tag:'.length)] };
  if (src.startsWith('group:')) {
    const [member] = Object.hasOwn(groups, src) ? (groups[src] ?? []) : [];
    return { ...(usableOwner(member) ? { owner: member } : {}), groups: [src.slice('group:'.length)] };
  }
  return src.includes('@') && usableOwner(src) ? { owner: src, groups: groupsOf(src) } : undefined;
}

const usableOwner = (owner: string | undefined): owner is string =>
  owner !== undefined && owner !== '' && owner.length <= 320;

/** The state of the test's device: what it says of the operating system and of the agent. */
function stateOf({ srcPostureAttrs = {} }: TailscaleTest, path: Path, report: ImportReport) {
  const attributes: Record<string, boolean | number | string> = {};
  let os: string | undefined;
  for (const [name, value] of Object.entries(srcPostureAttrs)) {
    if (name === 'node:os' && typeof value === 'string') os = value;
    else if (isAgentValue(name, value)) attributes[name] = value;
    else {
      report.changed(
        [...path, 'srcPostureAttrs', name],
        'the test goes without this: no condition of the policy asks for it',
      );
    }
  }
  return { ...(os === undefined ? {} : { os }), ...(Object.keys(attributes).length > 0 ? { attributes } : {}) };
}

function isAgentValue(name: string, value: unknown): boolean {
  const definition = attributeDefinition(name);
  if (definition?.origin !== 'agent' || definition.type === 'list') return false;
  if (VALUE_TYPES[definition.type].read(value) === undefined) return false;
  return definition.values === undefined || (typeof value === 'string' && definition.values.includes(value));
}

function expectations(
  { accept, allow, deny, proto }: TailscaleTest,
  path: Path,
  resources: TailscaleResources,
  report: ImportReport,
): Map<string, 'allow' | 'deny'> {
  const expected = new Map<string, 'allow' | 'deny'>();
  const named = (destination: string): string[] => {
    const split = splitPorts(destination);
    // Without a protocol, Tailscale tries TCP and UDP.
    const protocols = proto === undefined ? ['tcp', 'udp'] : [proto];
    const ports = protocols.flatMap((protocol) =>
      split === undefined ? [] : (readPorts(split.ports, protocol) ?? []),
    );
    return ports.flatMap((one) => resources.namesContaining(split?.host ?? '', one));
  };
  for (const [index, destination] of (accept ?? allow ?? []).entries()) {
    const [narrowest] = named(destination);
    const at = [...path, accept === undefined ? 'allow' : 'accept', index];
    if (narrowest === undefined)
      report.leftOut(at, `${destination.slice(0, 100)} is no resource of the policy: it cannot be tested`);
    else expected.set(narrowest, 'allow');
  }
  for (const [index, destination] of (deny ?? []).entries()) {
    const names = named(destination);
    for (const name of names) expected.set(name, 'deny');
    if (names.length > 0) continue;
    report.changed(
      [...path, 'deny', index],
      `${destination.slice(0, 100)} is no resource of the policy: there is nothing to deny`,
    );
  }
  return expected;
}
