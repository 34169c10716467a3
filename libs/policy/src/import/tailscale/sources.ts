import type { Path } from '../json-source.js';
import { listed } from '../names.js';
import type { ImportReport } from '../report.js';
import type { TailscalePolicyFile } from './policy-file.js';

/** Devices that one rule of Stance can be for: any within groups, tags or owners, never two of them at once. */
export interface Scope {
  /** In words, for the name of the rule. */
  readonly who: string;
  readonly groups?: readonly string[];
  readonly tags?: readonly string[];
  readonly owners?: readonly string[];
  /** Only devices that have an owner. */
  readonly owned?: true;
}

const LONGEST_NAME = 320;

/** The scopes that the `src` of a rule comes to; what cannot be said in a policy is reported and left out. */
export function readSources(
  sources: readonly string[],
  path: Path,
  file: TailscalePolicyFile,
  report: ImportReport,
): Scope[] {
  const groups: string[] = [];
  const tags: string[] = [];
  const owners: string[] = [];
  let owned = false;
  for (const [index, source] of sources.entries()) {
    const at = [...path, index];
    const name = source.replace(/^(?:group|tag):/, '');
    if (source === '*') {
      report.review(at, EVERY_DEVICE);
      return [{ who: 'every device' }];
    }
    const problem = name === '' || name.length > LONGEST_NAME ? 'this is no usable name' : unusable(source);
    if (problem !== undefined) report.leftOut(at, `${source.slice(0, 100)} as a source: ${problem}`);
    else if (/^autogroup:members?$/.test(source)) {
      owned = true;
      report.review(at, MEMBERS);
    } else if (source.startsWith('group:')) {
      groups.push(name);
      report.review(at, membersNote(name, file.groups?.[source]));
    } else if (source.startsWith('tag:')) {
      tags.push(name);
      report.review(at, TAGS);
    } else {
      owners.push(source);
      if (!source.includes('.')) report.review(at, `${source} is no e-mail address: owners are told by theirs`);
    }
  }
  return [
    ...(owned ? [{ who: 'every device with an owner', owned } as const] : []),
    ...(groups.length > 0 ? [{ who: `group ${listed(groups, 'groups')}`, groups: distinct(groups) }] : []),
    ...(owners.length > 0 ? [{ who: listed(owners, 'people'), owners: distinct(owners) }] : []),
    ...(tags.length > 0 ? [{ who: `tag ${listed(tags, 'tags')}`, tags: distinct(tags) }] : []),
  ];
}

const EVERY_DEVICE =
  '* becomes every enrolled device: Stance knows those of its inventory, Tailscale those of the tailnet';
const MEMBERS =
  'members of the tailnet become the devices that have an owner: record none for devices that belong to nobody';
const TAGS =
  'tags are those that the inventory records, under the same names without tag:. In Tailscale a tagged device has no user: record no owner for it';

function membersNote(name: string, members: readonly string[] | undefined): string {
  if (members === undefined)
    return `the inventory has to name the group ${name} with the people that it has in Tailscale`;
  return `the inventory has to name the group ${name} with just these people: ${members.slice(0, 50).join(', ')}${members.length > 50 ? `, ${members.length - 50} more` : ''}`;
}

/** Why a source cannot be said in a policy; undefined where it can. */
function unusable(source: string): string | undefined {
  if (/^autogroup:members?$/.test(source) || /^(?:group|tag):/.test(source)) return undefined;
  if (source === 'autogroup:tagged') return 'a rule is for tags by name; list them';
  if (source === 'autogroup:shared' || source === 'autogroup:danger-all') {
    return 'Stance lets nobody in whose device is not enrolled';
  }
  if (source.startsWith('autogroup:'))
    return 'Stance does not know the roles of Tailscale; name a group of the inventory';
  if (source.startsWith('user:')) return 'a domain is no group; name a group of the inventory';
  if (/^[^@\s:/]+@[^@\s:/]+$/.test(source)) return undefined;
  return 'a device is told by its proof, not by its address; name a group, a tag or a person';
}

const distinct = (names: readonly string[]): string[] => [...new Set(names)];
