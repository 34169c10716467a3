import type { Agent } from './agent.js';
import { activityOf } from './activity.js';
import type { Activity } from './activity.js';
import { ACTIVITY_COLUMNS } from './activity-query.js';
import type { AgentActivity } from './activity-types.js';
import { idFrom } from './ids.js';
import { RecordStore } from './record-store.js';
import type { Threat } from './threat.js';
import type { TenantClock } from './timestamps.js';

/** The activities of a tenant: what happened to its agents, oldest first. */
export class ActivityLog {
  /** What list calls read. */
  readonly records = new RecordStore<Activity>(ACTIVITY_COLUMNS, (activity) => JSON.stringify(activity));
  #written = 0;

  constructor(private readonly clock: TenantClock) {}

  /** Writes down what happened now. */
  write(kind: AgentActivity, agent: Agent, threat?: Threat): void {
    const at = this.clock.tick();
    this.#written += 1;
    this.records.put(activityOf(kind, agent, { id: idFrom(at / 1000, this.#written), at, ...(threat && { threat }) }));
  }

  list(): Activity[] {
    return [...this.records.values()];
  }
}
