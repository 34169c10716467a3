import { randomUUID } from 'node:crypto';
import type { Reason } from '@stance/contracts';
import type { SessionKey } from '@stance/gateway-sdk';

/** Why a request was denied, under an id that a person can give to whoever can help. */
export interface Denial {
  readonly denialId: string;
  readonly gateway: string;
  readonly deviceId?: string;
  readonly user?: string;
  readonly resource?: string;
  readonly reasons: readonly Reason[];
  /** When it was denied first, RFC 3339. */
  readonly deniedAt: string;
}

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

/**
 * The denials of the last while. One who asks again and again for the same reasons gets the same id: the memory is bounded,
 * and nobody pushes the others out by insisting.
 */
export class Denials {
  private readonly byId = new Map<string, Kept>();
  private readonly idOf = new Map<string, string>();

  constructor(
    private readonly gateway: string,
    private readonly now: () => number = Date.now,
    private readonly limits: DenialLimits = { kept: 10_000, forMs: 60 * 60 * 1_000 },
  ) {}

  record({ deviceId, user, resource }: Partial<SessionKey>, reasons: readonly Reason[]): Denial {
    const key = JSON.stringify([deviceId, user, resource, reasons.map(({ code, message }) => [code, message])]);
    const known = this.get(this.idOf.get(key) ?? '');
    if (known !== undefined) return known;
    const denial: Denial = {
      denialId: randomUUID(),
      gateway: this.gateway,
      ...(deviceId !== undefined && { deviceId }),
      ...(user !== undefined && { user }),
      ...(resource !== undefined && { resource }),
      reasons,
      deniedAt: new Date(this.now()).toISOString(),
    };
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
