import { z } from 'zod';
import type { Agent } from '../sentinelone/agent.js';
import { faultSchema } from '../sentinelone/faults.js';
import type { JsonValue } from '../sentinelone/json.js';
import { MALFORMED_FORMS, isMalformedForm } from '../sentinelone/malformed.js';
import type { MalformedForm } from '../sentinelone/malformed.js';
import { signedSpan, span } from './duration.js';

/** An agent's id, computer name or serial number. */
const agent = z.string().min(1);
/** Leaves `updatedAt` where it was; each step says what is its default. */
const silent = z.boolean().optional();
const form = z.custom<MalformedForm>(
  (value) => typeof value === 'string' && isMalformedForm(value),
  `expected one of ${MALFORMED_FORMS.join(', ')}`,
);
const jsonValue: z.ZodType<JsonValue> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(jsonValue), z.record(z.string(), jsonValue)]),
);

/** One step of a scenario: a verb under `do` and what it needs. */
export const stepSchema = z.discriminatedUnion('do', [
  /** A threat is found on it, seen in `/threats` at once. */
  z.strictObject({ do: z.literal('infect'), agent, threatName: z.string().optional(), silent }),
  z.strictObject({ do: z.literal('clean'), agent, silent }),
  z.strictObject({ do: z.literal('isolate'), agent, silent }),
  z.strictObject({ do: z.literal('reconnect'), agent, silent }),
  /** Stops checking in; inactive after `inactiveAfter` (5m). */
  z.strictObject({ do: z.literal('silence'), agent, inactiveAfter: span.optional(), silent }),
  /** Checks in again; `silent` unless told. */
  z.strictObject({ do: z.literal('return'), agent, silent }),
  /** Another agent registers on the same hardware. */
  z.strictObject({ do: z.literal('reimage'), agent }),
  /** A clean virtual machine registers with its serial number. */
  z.strictObject({ do: z.literal('clone-serial'), agent }),
  z.strictObject({ do: z.literal('decommission'), agent, silent }),
  /** Another word for `decommission`. */
  z.strictObject({ do: z.literal('retire'), agent, silent }),
  z.strictObject({ do: z.literal('recommission'), agent, silent }),
  z.strictObject({ do: z.literal('uninstall'), agent, silent }),
  /** Vanishes from every list. */
  z.strictObject({ do: z.literal('remove'), agent }),
  /** Moves to the console of the tenant `to` (name or URL). */
  z.strictObject({ do: z.literal('migrate'), agent, to: z.string().min(1), decommissionAfter: span.optional() }),
  /** `updatedAt` moves and nothing else. */
  z.strictObject({ do: z.literal('touch'), agent }),
  /** Its JSON shows these fields instead of its own. */
  z.strictObject({ do: z.literal('distort'), agent, fields: z.record(z.string(), jsonValue), silent }),
  /** A malformed form befalls one agent, or a `share` of all by `seed` (1). */
  z.strictObject({
    do: z.literal('malform'),
    form,
    agent: agent.optional(),
    share: z.number().min(0).max(1).optional(),
    seed: z.int().optional(),
    silent,
  }),
  /** Ends distortions and malformed forms of an agent. */
  z.strictObject({ do: z.literal('set-right'), agent }),
  /** The token is refused from now on, or `in` so long. */
  z.strictObject({ do: z.literal('expire-token'), in: span.optional() }),
  /** Another token is valid, the old one refused. */
  z.strictObject({ do: z.literal('replace-token'), token: z.string().min(1).optional() }),
  /** The tenant's clock is off by this much, ahead when positive; 0 sets it right. */
  z.strictObject({ do: z.literal('skew-clock'), by: signedSpan }),
  z.strictObject({ do: z.literal('fault'), fault: faultSchema }),
  z.strictObject({ do: z.literal('clear-faults') }),
]);

/** A step as it is performed; lengths of time are milliseconds. */
export type Step = z.infer<typeof stepSchema>;
/** A step as it is written; lengths of time may be texts such as `10s`. */
export type GivenStep = z.input<typeof stepSchema>;
export type Verb = Step['do'];

/** Verbs of one agent that need nothing else. */
export const AGENT_VERBS = [
  'infect',
  'clean',
  'isolate',
  'reconnect',
  'silence',
  'return',
  'reimage',
  'clone-serial',
  'decommission',
  'retire',
  'recommission',
  'uninstall',
  'remove',
  'touch',
  'set-right',
] as const satisfies readonly Verb[];

/** What a step came to: of one agent the agent afterwards (of `reimage`, `clone-serial` and `migrate` the new one). */
export interface StepOutcome {
  readonly did: Verb;
  readonly agent?: Agent;
  /** The tenant where the agent is, unless it is the one that was asked. */
  readonly tenant?: string;
  /** Ids of the agents that a form befell. */
  readonly ids?: readonly string[];
  /** The token that works now. */
  readonly token?: string;
}
