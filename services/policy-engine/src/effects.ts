import type { ResourceDecision } from '@stance/contracts';
import type { Verdict } from './decision.js';

/** What holds for a device at a resource; `would-deny` where the gateway only reports, or a revocation is held back. */
export type HeldEffect = 'allow' | 'warn' | 'deny' | 'would-deny';

export function heldEffectOf({ effect, enforced }: Pick<ResourceDecision, 'effect' | 'enforced'>): HeldEffect {
  return effect === 'deny' && !enforced ? 'would-deny' : effect;
}

/** Texts that are kept for sharing: more combinations of effects than any fleet has. */
const MAX_SHARED = 10_000;
const shared = new Map<string, string>();

/**
 * The effects of a decision as one text, the same object for the same effects: a table holds one for each device and gateway,
 * and hardly any of them differ.
 */
export function effectsIn(resources: Verdict['resources']): string {
  const text = JSON.stringify(Object.entries(resources).map(([name, decision]) => [name, heldEffectOf(decision)]));
  const known = shared.get(text);
  if (known !== undefined) return known;
  if (shared.size >= MAX_SHARED) shared.clear();
  shared.set(text, text);
  return text;
}

/** Devices by what holds for them, gateway by gateway. */
export class EffectCounts {
  private readonly devices = new Map<string, Map<string, number>>();

  /** A decision came in the place of another; each as {@link effectsIn} has it. */
  changed(gateway: string, now: string | undefined, before: string | undefined): void {
    if (now === before) return;
    this.count(gateway, before, -1);
    this.count(gateway, now, 1);
  }

  *list(): Generator<{ gateway: string; resource: string; effect: string; devices: number }> {
    for (const [gateway, counts] of this.devices) {
      const totals = new Map<string, number>();
      for (const [effects, devices] of counts) {
        // Written by effectsIn.
        for (const [resource, effect] of JSON.parse(effects) as [string, string][]) {
          const key = JSON.stringify([resource, effect]);
          totals.set(key, (totals.get(key) ?? 0) + devices);
        }
      }
      for (const [key, devices] of totals) {
        const [resource, effect] = JSON.parse(key) as [string, string];
        yield { gateway, resource, effect, devices };
      }
    }
  }

  private count(gateway: string, effects: string | undefined, change: 1 | -1): void {
    if (effects === undefined) return;
    const counts = this.devices.get(gateway) ?? new Map<string, number>();
    this.devices.set(gateway, counts);
    const devices = (counts.get(effects) ?? 0) + change;
    if (devices > 0) counts.set(effects, devices);
    else counts.delete(effects);
  }
}
