import { DeviceEvaluation, gatewaysOf } from '@stance/policy';
import { bareLoop } from './bare-loop.js';
import { NOW } from './devices.js';
import { fleetOf } from './fleet.js';
import { FLEET_POLICY } from './fleet-policy.js';
import { compiledPolicy } from './peers/stance.js';

/** A new policy of 20 rules, evaluated for a whole fleet. */
export interface PolicyChange {
  readonly devices: number;
  /** Complete decisions on every resource, with reasons. */
  readonly seconds: number;
  /** The conditions of the rules alone. */
  readonly bareSeconds: number;
  readonly allowedShare: number;
}

/** Goes over as many different devices again and again, by turns with the bare loop; a pass of each comes before, unmeasured. */
export async function measurePolicyChange({ quick }: { quick: boolean }): Promise<PolicyChange> {
  const { distinct, passes } = quick ? { distinct: 20_000, passes: 5 } : { distinct: 100_000, passes: 10 };
  const compiled = compiledPolicy(FLEET_POLICY);
  const gateways = gatewaysOf(compiled).map(({ name }) => name);
  const fleet = fleetOf(distinct);
  const rulesThatHold = bareLoop(compiled.policy);

  let decisions = 0;
  let allowed = 0;
  const decideAll = (): void => {
    for (const subject of fleet) {
      const device = new DeviceEvaluation(compiled, subject, NOW);
      for (const gateway of gateways) {
        for (const { effect } of Object.values(device.gateway(gateway).resources)) {
          decisions += 1;
          if (effect === 'allow') allowed += 1;
        }
      }
    }
  };
  let holding = 0;
  const loopAll = (): void => {
    for (const subject of fleet) holding += rulesThatHold(subject);
  };

  decideAll();
  loopAll();
  let milliseconds = 0;
  let bareMilliseconds = 0;
  for (let pass = 0; pass < passes; pass++) {
    milliseconds += timed(decideAll);
    bareMilliseconds += timed(loopAll);
  }
  if (allowed === 0 || holding === 0) throw new Error('No rule holds for any device: what was timed did not decide.');
  return {
    devices: distinct * passes,
    seconds: milliseconds / 1_000,
    bareSeconds: bareMilliseconds / 1_000,
    allowedShare: allowed / decisions,
  };
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}
