import type { Denial, DenialWithSecret } from '@stance/contracts';

export interface DenialLimits {
  /** Denials kept, at most; the oldest go first. */
  readonly kept: number;
  /** Of one device, at most; its own oldest go first. Those that name no device are not counted. */
  readonly ofDevice: number;
  /** How long one is kept, in milliseconds. */
  readonly forMs: number;
}

interface Kept {
  readonly key: string;
  readonly denial: Denial;
  readonly secret: string;
  readonly until: number;
}

/** The denials of the last while, by their id and by what they say. */
export class RecentDenials {
  private readonly byId = new Map<string, Kept>();
  private readonly idOf = new Map<string, string>();
  /** Their ids by device, the oldest first. */
  private readonly ofDevice = new Map<string, Set<string>>();

  constructor(
    private readonly now: () => number,
    private readonly limits: DenialLimits,
  ) {}

  /** The denial that is known under this key, else a new one. */
  recall(key: string, create: () => DenialWithSecret): Denial {
    const known = this.get(this.idOf.get(key) ?? '');
    if (known !== undefined) return known;
    const { secret, ...denial } = create();
    this.byId.set(denial.denialId, { key, denial, secret, until: this.now() + this.limits.forMs });
    this.idOf.set(key, denial.denialId);
    if (denial.deviceId !== undefined) this.count(denial.deviceId, denial.denialId);
    this.forgetOldest();
    return denial;
  }

  get(denialId: string): Denial | undefined {
    return this.holding(denialId)?.denial;
  }

  /** With what shows that it was told here. */
  withSecret(denialId: string): DenialWithSecret | undefined {
    const kept = this.holding(denialId);
    return kept && { ...kept.denial, secret: kept.secret };
  }

  private holding(denialId: string): Kept | undefined {
    const kept = this.byId.get(denialId);
    return kept !== undefined && kept.until > this.now() ? kept : undefined;
  }

  private count(deviceId: string, denialId: string): void {
    const ids = this.ofDevice.get(deviceId) ?? new Set();
    this.ofDevice.set(deviceId, ids.add(denialId));
    const [oldest] = ids;
    if (ids.size > this.limits.ofDevice && oldest !== undefined) this.forget(oldest);
  }

  private forgetOldest(): void {
    for (const [denialId, { until }] of this.byId) {
      if (this.byId.size <= this.limits.kept && until > this.now()) return;
      this.forget(denialId);
    }
  }

  private forget(denialId: string): void {
    const kept = this.byId.get(denialId);
    if (kept === undefined) return;
    const { key, denial } = kept;
    this.byId.delete(denialId);
    if (this.idOf.get(key) === denialId) this.idOf.delete(key);
    const ids = this.ofDevice.get(denial.deviceId ?? '');
    ids?.delete(denialId);
    if (ids?.size === 0) this.ofDevice.delete(denial.deviceId ?? '');
  }
}
