import type { Identity } from './identity.js';

/** The ways to match by what machines report, in the default order: the surest first. */
export const MATCH_KEYS = ['serial', 'externalId+mac', 'uuid', 'mac+hostname'] as const;
export type MatchKey = (typeof MATCH_KEYS)[number];

/** Without `mac+hostname`: both can be set by whoever has the machine, so it is for installations that ask for it. */
export const DEFAULT_MATCH_KEYS: readonly MatchKey[] = ['serial', 'externalId+mac', 'uuid'];

const VALUES_OF: Readonly<Record<MatchKey, (identity: Identity) => readonly string[]>> = {
  serial: ({ serial }) => (serial === undefined ? [] : [serial]),
  // An administrator's word for the machine, confirmed by the machine's own.
  'externalId+mac': ({ externalId, macs }) =>
    externalId === undefined ? [] : macsIn(macs).map((mac) => `${mac} ${externalId}`),
  uuid: ({ uuid }) => (uuid === undefined ? [] : [uuid]),
  'mac+hostname': ({ hostname, macs }) =>
    hostname === undefined ? [] : macsIn(macs).map((mac) => `${mac} ${hostname}`),
};

/** What an identity is found by under a key; nothing where it lacks any part of it. */
export function keyValues(key: MatchKey, identity: Identity): readonly string[] {
  return VALUES_OF[key](identity);
}

export function macsIn(macs: string): string[] {
  return macs === '' ? [] : macs.split(' ');
}

export function shareMac(one: Identity, other: Identity): boolean {
  return one.macs !== '' && macsIn(one.macs).some((mac) => other.macs.includes(mac));
}
