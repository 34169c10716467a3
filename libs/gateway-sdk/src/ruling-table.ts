import type { DataOf, DecisionChanged, Effect, Reason, ResourceDecision } from '@stance/contracts';

/** What a decision says of one resource, as far as a gateway needs it. */
export interface Ruling {
  readonly effect: Effect;
  readonly enforced: boolean;
  /** Empty for an allow. */
  readonly reasons: readonly Reason[];
  /** While `warn`: when it becomes a deny, in milliseconds since 1970. */
  readonly until?: number;
  /** Of a denial that is held back: until when. Sessions that are open go on, and none begins. */
  readonly heldUntil?: number;
  /** The only user for whom it counts: the one whom the decision names as `owner`, or another, in lower case. */
  readonly requiresOwner?: 'owner' | { readonly user: string };
}

/** A decision's rulings, and the user whom they name: apart, so that the rulings of many owners are the same. */
export interface OwnedRulings {
  readonly rulings: Rulings;
  /** In lower case, empty for nobody; `undefined` where no ruling requires an owner. */
  readonly owner: string | undefined;
}

/** Rulings by resource. */
export type Rulings = ReadonlyMap<string, Ruling>;

type Resources = DataOf<typeof DecisionChanged>['resources'];

interface Shared {
  readonly rulings: Rulings;
  users: number;
}

/**
 * Keeps one copy of equal rulings: most devices of a fleet are allowed the same resources, so that a cached decision is
 * little more than its revisions.
 */
export class RulingTable {
  private readonly shared = new Map<string, Shared>();
  private readonly keys = new Map<Rulings, string>();

  get size(): number {
    return this.shared.size;
  }

  /** The shared copy of a decision's rulings; hand it back with {@link release}. */
  acquire(resources: Resources): OwnedRulings {
    const owner = Object.values(resources)
      .find(({ requiresOwner }) => requiresOwner !== undefined)
      ?.requiresOwner?.toLowerCase();
    return { rulings: this.share(resources, owner), owner };
  }

  /** Most are known: those are found by what the decision says, without building anything. */
  private share(resources: Resources, owner: string | undefined): Rulings {
    const key = keyOf(resources, owner);
    if (key === undefined) return rulingsOf(resources, owner);
    const known = this.shared.get(key);
    if (known !== undefined) {
      known.users += 1;
      return known.rulings;
    }
    const rulings = rulingsOf(resources, owner);
    this.shared.set(key, { rulings, users: 1 });
    this.keys.set(rulings, key);
    return rulings;
  }

  release(rulings: Rulings): void {
    const key = this.keys.get(rulings);
    const known = key === undefined ? undefined : this.shared.get(key);
    if (key === undefined || known === undefined) return;
    known.users -= 1;
    if (known.users > 0) return;
    this.shared.delete(key);
    this.keys.delete(rulings);
  }

  clear(): void {
    this.shared.clear();
    this.keys.clear();
  }
}

const NO_REASONS: readonly Reason[] = [];

function rulingsOf(resources: Resources, owner: string | undefined): Rulings {
  return new Map(Object.entries(resources).map(([resource, decision]) => [resource, rulingOf(decision, owner)]));
}

function rulingOf(
  { effect, enforced, reasons, until, heldUntil, requiresOwner }: ResourceDecision,
  owner: string | undefined,
): Ruling {
  const user = requiresOwner?.toLowerCase();
  return {
    effect,
    enforced,
    reasons: effect === 'allow' ? NO_REASONS : reasons,
    ...(until !== undefined && { until: Date.parse(until) }),
    ...(heldUntil !== undefined && { heldUntil: Date.parse(heldUntil) }),
    ...(user !== undefined && { requiresOwner: user === owner ? 'owner' : { user } }),
  };
}

/** Rulings with reasons, times or persons are one device's own: sharing them would only cost. */
function keyOf(resources: Resources, owner: string | undefined): string | undefined {
  let key = '';
  for (const [resource, decision] of Object.entries(resources)) {
    const { effect, enforced, reasons, until, heldUntil, requiresOwner } = decision;
    if ((effect !== 'allow' && reasons.length > 0) || until !== undefined || heldUntil !== undefined) return undefined;
    const isOwned = requiresOwner !== undefined;
    if (isOwned && requiresOwner.toLowerCase() !== owner) return undefined;
    // The length tells where a name ends, whatever is in it.
    key += `${resource.length}:${resource} ${effect} ${enforced} ${isOwned};`;
  }
  return key;
}
