import type { Step, StepOutcome } from '../scenario/steps.js';
import type { Agent } from './agent.js';
import type { Faults } from './faults.js';
import type { Fleet } from './fleet.js';
import type { MigrationOptions } from './migration.js';
import type { LoggedRequest } from './request-log.js';
import type { TenantClock } from './timestamps.js';
import type { Tokens } from './tokens.js';

/** A running simulated tenant. */
export interface SentinelOneTenant {
  /** `http://127.0.0.1:<port>`, what a user would paste as the console's URL. */
  readonly url: string;
  readonly port: number;
  readonly name: string;
  /** The token that works now: another one after `tokens.replace`. */
  readonly token: string;
  readonly tokens: Tokens;
  readonly clock: TenantClock;
  readonly fleet: Fleet;
  readonly faults: Faults;
  /** Does one step of a scenario; throws what the step's own function throws. */
  perform(step: Step): StepOutcome;
  /** Moves an agent to another tenant's console; answers it as it is there. */
  migrate(id: string, to: SentinelOneTenant, options?: MigrationOptions): Agent;
  /** The latest API requests, oldest first. */
  requests(): LoggedRequest[];
  /** Ends open connections, hanging ones too, and frees the port; again does nothing more. */
  close(): Promise<void>;
}
