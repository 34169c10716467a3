import type { Estate } from './accounts/account-plan.js';
import { UnusableAuthFolder } from './errors.js';
import { keptEstate, type KeptEstate } from './estate-file.js';
import type { AuthFormat } from './format.js';

/** What is to be otherwise; what is not named stays as it is. */
export interface EstateChange {
  readonly addGateways?: readonly string[] | undefined;
  readonly removeGateways?: readonly string[] | undefined;
  readonly addSources?: readonly string[] | undefined;
  readonly removeSources?: readonly string[] | undefined;
  /** Bytes; `none` takes the limit away. */
  readonly auditLimit?: number | 'none' | undefined;
  readonly gatewayLimit?: number | 'none' | undefined;
  readonly format?: AuthFormat | undefined;
}

/** What there is before anything was named. */
export const EMPTY_ESTATE: KeptEstate = keptEstate({ gateways: [] }, 'config');

/** The estate with a change made. Throws {@link UnusableAuthFolder} for what contradicts itself or is not there. Pure. */
export function changedEstate(before: KeptEstate, change: EstateChange): KeptEstate {
  const gateways = changedNames('gateway', before.gateways, change.addGateways, change.removeGateways);
  const sources = changedNames('source', before.sources, change.addSources, change.removeSources);
  const limits = {
    audit: changedLimit(before.limits.audit, change.auditLimit),
    gateway: changedLimit(before.limits.gateway, change.gatewayLimit),
  };
  return keptEstate({ gateways, sources, limits }, change.format ?? before.format);
}

/** What is otherwise in the second estate, a line each. Pure. */
export function differencesOf(before: KeptEstate, after: KeptEstate): string[] {
  return [
    ...differentNames('gateway', before.gateways, after.gateways),
    ...differentNames('source', before.sources, after.sources),
    ...differentLimit('limit of the audit trail', before.limits.audit, after.limits.audit),
    ...differentLimit('limit of a gateway', before.limits.gateway, after.limits.gateway),
    ...(before.format === after.format ? [] : [`format: ${after.format}, before ${before.format}`]),
  ];
}

/** Throws {@link UnusableAuthFolder} for names that some disks take for one file, and so for one key. Pure. */
export function requireDistinct({ gateways, sources = [] }: Estate): void {
  for (const [kind, names] of [
    ['gateways', gateways],
    ['sources', sources],
  ] as const) {
    const alike = names.find((name, at) => names.some((other, i) => i < at && isAlike(other, name)));
    if (alike === undefined) continue;
    const both = names.filter((name) => isAlike(name, alike));
    throw new UnusableAuthFolder(
      `${kind} ${both.join(' and ')} cannot be told apart by upper and lower case alone: their files are one on some disks`,
    );
  }
}

function isAlike(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function changedNames(
  kind: string,
  before: readonly string[],
  added: readonly string[] = [],
  removed: readonly string[] = [],
): string[] {
  const both = added.filter((name) => removed.includes(name));
  if (both.length > 0)
    throw new UnusableAuthFolder(`${kind} ${both.join(', ')} is to be added and removed: name it once`);
  const unknown = removed.filter((name) => !before.includes(name));
  if (unknown.length > 0) {
    const known = before.length === 0 ? 'none' : before.join(', ');
    throw new UnusableAuthFolder(`there is no ${kind} ${unknown.join(', ')} to remove; there are ${known}`);
  }
  return [...new Set([...before, ...added])].filter((name) => !removed.includes(name));
}

function changedLimit(before: number | undefined, given: number | 'none' | undefined): number | undefined {
  return given === 'none' ? undefined : (given ?? before);
}

function differentNames(kind: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((name) => !before.includes(name)).map((name) => `${kind} ${name}: added`),
    ...before.filter((name) => !after.includes(name)).map((name) => `${kind} ${name}: removed`),
  ];
}

function differentLimit(what: string, before: number | undefined, after: number | undefined): string[] {
  return before === after ? [] : [`${what}: ${inBytes(after)}, before ${inBytes(before)}`];
}

function inBytes(limit: number | undefined): string {
  return limit === undefined ? 'none' : `${limit} bytes`;
}
