import { observeGauge } from '@stance/service-kit';
import type { KnownRegister, Observer } from './matching.store.js';

/** Agents that are there, by what became of their match. */
export class AgentsByState {
  private readonly counts = new Map<KnownRegister['state'], number>([
    ['matched', 0],
    ['unmatched', 0],
    ['quarantined', 0],
  ]);

  /** Passes all on to an observer, and counts. */
  beside(observer: Observer): Observer {
    return {
      agentChanged: (...change) => observer.agentChanged(...change),
      deviceChanged: (...change) => observer.deviceChanged(...change),
      linkChanged: (...change) => observer.linkChanged(...change),
      registerChanged: (keys, register, before) => {
        this.count(before, -1);
        this.count(register, 1);
        observer.registerChanged(keys, register, before);
      },
    };
  }

  of(state: KnownRegister['state']): number {
    return this.counts.get(state) ?? 0;
  }

  /** Shows them, until the function that is returned is called. */
  observe(): () => void {
    const definition = {
      meter: '@stance/device-matcher',
      name: 'stance.matcher.agents',
      unit: '{agent}',
      description: 'Agents that are there, by what became of their match',
    };
    return observeGauge(definition, (tell) => {
      for (const [state, count] of this.counts) tell(count, { state });
    });
  }

  private count(register: KnownRegister | undefined, change: 1 | -1): void {
    if (register === undefined || register.presence === 'gone') return;
    this.counts.set(register.state, this.of(register.state) + change);
  }
}
