import type { DataOf, PostureChanged } from '@stance/contracts';
import { observeGauge } from '@stance/service-kit';

/** How a device's posture is, in one word: the first of its problems, or none. */
export type PostureState = 'with-agent' | DataOf<typeof PostureChanged>['problems'][number];

/** Pure. `undefined` for a device that is retired: it counts as no device any more. */
export function postureStateOf({ device, problems }: Pick<DataOf<typeof PostureChanged>, 'device' | 'problems'>) {
  return device.state === 'retired' ? undefined : (problems[0] ?? 'with-agent');
}

/** Devices by how their posture is. */
export class DevicesByState {
  private readonly counts = new Map<PostureState, number>();

  changed(now: PostureState | undefined, before: PostureState | undefined): void {
    if (now === before) return;
    if (before !== undefined) this.counts.set(before, (this.counts.get(before) ?? 0) - 1);
    if (now !== undefined) this.counts.set(now, (this.counts.get(now) ?? 0) + 1);
  }

  /** Shows them, until the function that is returned is called. */
  observe(): () => void {
    const definition = {
      meter: '@stance/posture-store',
      name: 'stance.posture.devices',
      unit: '{device}',
      description: 'Devices by the first problem of their posture, or with an agent and none',
    };
    return observeGauge(definition, (tell) => {
      for (const [state, count] of this.counts) tell(count, { state });
    });
  }
}
