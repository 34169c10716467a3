import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';

export const SourceReported = defineEvent({
  name: 'source.reported',
  keys: ['source'],
  summary: 'A source changed its state, or reports its progress.',
  owners: ['sentinelone-poller'],
  stream: STREAMS.SOURCES,
  data: z.object({
    source: id,
    kind: z.string(),
    /** The console's address. */
    url: z.string().optional(),
    state: z.enum(['starting', 'ok', 'degraded', 'paused', 'failed']),
    lastSuccessAt: timestamp.optional(),
    lastAttemptAt: timestamp.optional(),
    nextAttemptAt: timestamp.optional(),
    pausedUntil: timestamp.optional(),
    error: z.object({ code: z.string(), title: z.string(), detail: z.string().optional() }).optional(),
    /** Agents that the source currently shows. */
    agents: z.int().nonnegative(),
    /** Observations published since the service started. */
    changed: z.int().nonnegative(),
    sweep: z
      .object({
        startedAt: timestamp,
        completedAt: timestamp.optional(),
        pages: z.int().nonnegative(),
        /** Seconds between two sweeps. */
        interval: z.number().positive(),
      })
      .optional(),
    /** Seconds after which an unchanged agent is observed again. */
    freshnessStep: z.number().positive(),
  }),
});
