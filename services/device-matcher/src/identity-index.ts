import type { Identity } from './identity.js';
import { KeyIndex } from './key-index.js';
import { keyValues, type MatchKey } from './match-keys.js';

/** An identity with what else stands for its UUID. */
export type Findable = Identity & { readonly certified?: readonly string[] };

/** Which ids are found by which values of which match keys. */
export class IdentityIndex {
  private readonly indexes: ReadonlyMap<MatchKey, KeyIndex>;

  constructor(keys: readonly MatchKey[]) {
    this.indexes = new Map(keys.map((key) => [key, new KeyIndex()]));
  }

  /** An id's identity changed; `undefined` where it is not to be found. */
  changed(id: string, before: Findable | undefined, now: Findable | undefined): void {
    for (const [key, index] of this.indexes) index.changed(id, valuesOf(key, before), valuesOf(key, now));
  }

  idsOf(key: MatchKey, value: string): readonly string[] {
    return this.indexes.get(key)?.idsOf(value) ?? [];
  }

  /** Every id that has a value of some key in common. */
  idsSharing(identity: Findable | undefined): string[] {
    return [...this.indexes].flatMap(([key, index]) => valuesOf(key, identity).flatMap((value) => index.idsOf(value)));
  }
}

function valuesOf(key: MatchKey, identity: Findable | undefined): readonly string[] {
  if (identity === undefined) return [];
  const values = keyValues(key, identity);
  const { certified = [] } = identity;
  return key === 'uuid' && certified.length > 0 ? [...new Set([...values, ...certified])] : values;
}
