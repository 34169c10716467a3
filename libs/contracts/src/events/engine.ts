import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';

/** Seconds between two reports of the engine to a gateway. */
export const ENGINE_REPORT_INTERVAL_SECONDS = 5;

/** How far the engine is with deciding about every device again. */
export const fleetReview = z.object({ reviewed: z.int(), total: z.int(), startedAt: timestamp });

export const EngineReported = defineEvent({
  name: 'engine.reported',
  keys: ['gateway'],
  summary:
    'The engine is alive and this far: what lets a gateway know that silence means "no change". Core NATS, every 5 s.',
  owners: ['policy-engine'],
  stream: null,
  data: z.object({
    gateway: id,
    policyRevision: z.int().nonnegative().describe('0 where no policy is active.'),
    lag: z.int().nonnegative().describe('Posture changes that wait to be evaluated.'),
    evaluatedUpTo: z
      .int()
      .nonnegative()
      .describe('Every posture message up to this one, by its sequence in STANCE_POSTURE, has been evaluated.'),
    decidedUpTo: z
      .int()
      .nonnegative()
      .describe(
        'The last decision written for any gateway, by its sequence in STANCE_DECISIONS: a gateway that holds less is behind.',
      ),
    decisionStream: z
      .object({
        created: z.string(),
        lastSequence: z.int().nonnegative(),
        activeFrom: z
          .object({ sequence: z.int().nonnegative(), at: timestamp })
          .optional()
          .describe('Where the stream stood when this engine became active: nothing stored before that stands beyond.'),
      })
      .optional()
      .describe(
        'STANCE_DECISIONS as the engine sees it: a gateway that reads a copy knows by it that this is still the copy of it.',
      ),
    reportedAt: timestamp,
    review: fleetReview.optional(),
  }),
});
