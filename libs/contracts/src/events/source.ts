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
    progress: z
      .object({
        startedAt: timestamp,
        read: z.int().nonnegative().describe('Agents read since then.'),
        total: z.int().nonnegative().optional().describe('Agents that there are, where the console says so.'),
        perSecond: z.number().nonnegative(),
        secondsLeft: z.number().nonnegative().optional(),
      })
      .optional()
      .describe('Of the sweep that is under way.'),
    refusedSweep: z
      .object({
        startedAt: timestamp,
        absent: z.int().positive().describe('Agents that it would have retired.'),
        present: z.int().positive().describe('Agents that were present before it.'),
        limit: z.int().nonnegative().describe('Agents that one sweep may retire.'),
        examples: z.array(id).describe('Some of the absent agents.'),
        digest: z
          .string()
          .optional()
          .describe('SHA-256 of the ids of all absent agents, sorted, a line each: what is approved of.'),
      })
      .optional()
      .describe('The last sweep, while it is not believed and waits for a person.'),
    siteIds: z.array(z.string()).optional().describe('Sites that are read; all that the token may see by default.'),
    accountIds: z.array(z.string()).optional(),
    freshnessStep: z.number().positive().describe('Seconds after which an unchanged agent is observed again.'),
  }),
});
