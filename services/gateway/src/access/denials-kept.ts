import type { Denial } from '@stance/contracts';

export interface DenialLimits {
  /** Denials kept, at most; the oldest go first. */
  readonly kept: number;
  /** How long one is kept, in milliseconds. */
  readonly forMs: number;
}

interface Kept {
  readonly key: string;
  readonly denial: Denial;
  readonly until: number;
}

/** The denials of the last while, by their id and by what they say. */
export class RecentDenials {
  private readonly byId = new Map<string, Kept>();
  private readonly idOf = new Map<string, string>();

  constructor(
    private readonly now: () => number,
    private readonly limits: DenialLimits,
  ) {}

  /** The denial that is known under this key, else a new one. */
  recall(key: string, create: () => Denial): Denial {
    const known = this.get(this.idOf.get(key) ?? '');
    if (known !== undefined) return known;
    const denial = create();
    this.byId.set(denial.denialId, { key, denial, until: this.now() + this.limits.forMs });
    this.idOf.set(key, denial.denialId);
    this.forgetOldest();
    return denial;
  }

  get(denialId: string): Denial | undefined {
    const kept = this.byId.get(denialId);
    return kept !== undefined && kept.until > this.now() ? kept.denial : undefined;
  }

  private forgetOldest(): void {
    for (const [denialId, { key, until }] of this.byId) {
      if (this.byId.size <= this.limits.kept && until > this.now()) return;
      this.byId.delete(denialId);
      if (this.idOf.get(key) === denialId) this.idOf.delete(key);
    }
  }
}
