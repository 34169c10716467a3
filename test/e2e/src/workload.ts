import type { Stack } from './stack.js';

export const DEVICES = 100;
export const ROUNDS = 10;

/** What the workload does to a device: `calm` ones change harmlessly, the others are infected and cleaned in turn. */
export type Fate = 'calm' | 'ends infected' | 'ends clean';

export interface Part {
  readonly deviceId: string;
  readonly fate: Fate;
  /** The round of its first infection. */
  readonly firstInfection: number;
}

/** The cast: first infections are spread over the rounds, so that whenever something dies, some are just being revoked. */
export const PARTS: readonly Part[] = Array.from({ length: DEVICES }, (_, index) => {
  const firstInfection = 1 + (index % (ROUNDS - 1));
  const endsInfected = (ROUNDS - 1 - firstInfection) % 2 === 0;
  const fate = index % 5 === 0 ? 'calm' : endsInfected ? 'ends infected' : 'ends clean';
  return { deviceId: `d${index}`, fate, firstInfection };
});

/** Changes every device once. Ten rounds are the whole workload: 1,000 changes. */
export function playRound(stack: Stack, round: number): void {
  for (const part of PARTS) {
    const { deviceId, fate, firstInfection } = part;
    if (fate === 'calm' || round < firstInfection) {
      stack.tenant.fleet.update(stack.agentOf(deviceId), { agentVersion: `24.2.${round}.1` });
    } else if (isInfected(part, round)) stack.infect(deviceId);
    else stack.clean(deviceId);
  }
}

/** Whether a device is infected after a round. */
export function isInfected({ fate, firstInfection }: Part, round: number): boolean {
  return fate !== 'calm' && round >= firstInfection && (round - firstInfection) % 2 === 0;
}

/** Everything as before the first round. */
export function restore(stack: Stack): void {
  for (const { deviceId } of PARTS) {
    stack.clean(deviceId);
    stack.tenant.fleet.update(stack.agentOf(deviceId), { agentVersion: '24.1.0.1' });
  }
}
