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
  acquire(resources: DataOf<typeof DecisionChanged>['resources']): OwnedRulings {
    const owner = Object.values(resources)
      .find(({ requiresOwner }) => requiresOwner !== undefined)
      ?.requiresOwner?.toLowerCase();
    const rulings = new Map(
      Object.entries(resources).map(([resource, decision]) => [resource, rulingOf(decision, owner)]),
    );
    return { rulings: this.share(rulings), owner };
  }

  private share(rulings: Rulings): Rulings {
    const key = keyOf(rulings);
    if (key === undefined) return rulings;
    const known = this.shared.get(key);
    if (known !== undefined) {
      known.users += 1;
      return known.rulings;
    }
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
function keyOf(rulings: Rulings): string | undefined {
  const parts: (string | boolean | null)[] = [];
  for (const [resource, { effect, enforced, reasons, until, heldUntil, requiresOwner }] of rulings) {
    const isTimed = until !== undefined || heldUntil !== undefined;
    if (reasons.length > 0 || isTimed || typeof requiresOwner === 'object') return undefined;
    parts.push(resource, effect, enforced, requiresOwner ?? null);
  }
  return JSON.stringify(parts);
}
