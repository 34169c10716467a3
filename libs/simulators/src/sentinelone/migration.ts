import type { Agent } from './agent.js';
import type { Fleet } from './fleet.js';
import { migrated } from './registrations.js';
import { isActiveThreat } from './threat.js';

/** What becomes of an agent in the console it left. */
export interface MigrationOptions {
  /** Milliseconds after which the old console decommissions it; default never. */
  readonly decommissionAfterMs?: number;
}

/**
 * Moves an agent to another console: there it registers with another id and the same uuid and hardware, and reports
 * the threats that are active on it; here it is `Migrated` and silent. Answers the agent in the new console.
 */
export function migrateAgent(from: Fleet, id: string, to: Fleet, options: MigrationOptions = {}): Agent {
  const { id: arrived } = to.add(migrated(from.get(id)));
  for (const { threatName, classification, confidenceLevel, filePath } of from.threatsOf(id).filter(isActiveThreat))
    to.infect(arrived, { threatName, classification, confidenceLevel, filePath });
  from.leave(id, options);
  return to.get(arrived);
}
