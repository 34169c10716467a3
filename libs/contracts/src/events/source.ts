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
    url: z.string().optional().describe("The console's address."),
    state: z.enum(['starting', 'ok', 'degraded', 'paused', 'failed']),
    lastSuccessAt: timestamp.optional(),
    lastAttemptAt: timestamp.optional(),
    nextAttemptAt: timestamp.optional(),
    pausedUntil: timestamp.optional(),
    error: z.object({ code: z.string(), title: z.string(), detail: z.string().optional() }).optional(),
    agents: z.int().nonnegative().describe('Agents that the source currently shows.'),
    changed: z.int().nonnegative().describe('Observations published since the service started.'),
    sweep: z
      .object({
        startedAt: timestamp,
        completedAt: timestamp.optional(),
        pages: z.int().nonnegative(),
        interval: z.number().positive().describe('Seconds between two sweeps.'),
      })
      .optional(),
    freshnessStep: z.number().positive().describe('Seconds after which an unchanged agent is observed again.'),
  }),
});
