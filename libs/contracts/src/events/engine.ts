import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';

/** Seconds between two reports of the engine to a gateway. */
export const ENGINE_REPORT_INTERVAL_SECONDS = 5;

export const EngineReported = defineEvent({
  name: 'engine.reported',
  keys: ['gateway'],
  summary:
    'The engine is alive and this far: what lets a gateway know that silence means "no change". Core NATS, every 5 s.',
  owners: ['policy-engine'],
  stream: null,
  data: z.object({
    gateway: id,
    /** 0 where no policy is active. */
    policyRevision: z.int().nonnegative(),
    /** Posture changes that wait to be evaluated. */
    lag: z.int().nonnegative(),
    /** The last posture message evaluated, by its sequence in STANCE_POSTURE. */
    evaluatedUpTo: z.int().nonnegative(),
    /** The last decision written for any gateway, by its sequence in STANCE_DECISIONS: a gateway that holds less is behind. */
    decidedUpTo: z.int().nonnegative(),
    reportedAt: timestamp,
  }),
});
