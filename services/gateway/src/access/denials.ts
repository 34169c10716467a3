import type { Denial, DenialWithSecret, Reason } from '@stance/contracts';
import { newDenialKey } from '@stance/jetstream';
import type { Admitted, NotAdmitted } from './access.js';
import { RecentDenials, type DenialLimits } from './denials-kept.js';

export type { Denial };

/** Of devices that are proved: none takes the room of the others, nor does whoever proves none, who has less. */
const PROVED: DenialLimits = { kept: 10_000, ofDevice: 100, forMs: 60 * 60 * 1_000 };
const UNPROVED: DenialLimits = { ...PROVED, kept: 1_000 };

/**
 * What people were told of the last hour, under ids that they can give to whoever can help. One who asks again and again for
 * the same reasons gets the same id: the memory is bounded, and nobody pushes the others out by insisting.
 */
export class Denials {
  private readonly proved: RecentDenials;
  private readonly unproved: RecentDenials;

  constructor(
    private readonly gateway: string,
    private readonly now: () => number = Date.now,
    limits: { readonly proved: DenialLimits; readonly unproved: DenialLimits } = { proved: PROVED, unproved: UNPROVED },
  ) {
    this.proved = new RecentDenials(now, limits.proved);
    this.unproved = new RecentDenials(now, limits.unproved);
  }

  record(asker: NotAdmitted['asker'], reasons: readonly Reason[]): Denial {
    return this.recall({ ...namesOf(asker), effect: 'deny', reasons: [...reasons] });
  }

  /** Somebody is let in who will not be for long: `undefined` where nothing is warned of. */
  recordWarning({ asker, verdict }: Pick<Admitted, 'asker' | 'verdict'>): Denial | undefined {
    const { effect, reasons, until } = verdict;
    if (effect !== 'warn') return undefined;
    return this.recall({ ...namesOf(asker), effect, reasons: [...reasons], ...(until !== undefined && { until }) });
  }

  get(denialId: string): Denial | undefined {
    return this.proved.get(denialId) ?? this.unproved.get(denialId);
  }

  /** With what shows that it was told here: for whoever looks it up, not for who was denied. */
  withSecret(denialId: string): DenialWithSecret | undefined {
    return this.proved.withSecret(denialId) ?? this.unproved.withSecret(denialId);
  }

  private recall(told: Omit<Denial, 'denialId' | 'gateway' | 'deniedAt'>): Denial {
    const { deviceId, user, resource, effect, until, reasons } = told;
    const why = reasons.map(({ code, message }) => [code, message]);
    const memory = deviceId === undefined ? this.unproved : this.proved;
    return memory.recall(JSON.stringify([deviceId, user, resource, effect, until, why]), () => ({
      ...newDenialKey(),
      gateway: this.gateway,
      ...told,
      deniedAt: new Date(this.now()).toISOString(),
    }));
  }
}

function namesOf({ deviceId, user, resource }: NotAdmitted['asker']): Pick<Denial, 'deviceId' | 'user' | 'resource'> {
  return {
    ...(deviceId !== undefined && { deviceId }),
    ...(user !== undefined && { user }),
    ...(resource !== undefined && { resource }),
  };
}
