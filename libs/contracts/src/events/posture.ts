import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';
import { matchKey, matchTrust } from './agent.js';
import { attributeValue } from './reason.js';

/** What keeps a device's posture from being certain or complete. */
export const postureProblem = z.enum(['not-enrolled', 'no-agent', 'quarantined', 'duplicate-serial', 'conflict']);

/** A value and the agent that reported it, as an index into `agents`; no agent when several disagree. */
export const attributeReading = z.object({ value: attributeValue, agent: z.int().nonnegative() });

export const PostureChanged = defineEvent({
  name: 'posture.changed',
  keys: ['deviceId'],
  summary: 'The posture of a device: its inventory record, its agents and their attributes.',
  owners: ['posture-store'],
  stream: STREAMS.POSTURE,
  data: z.object({
    deviceId: id,
    revision: z
      .int()
      .positive()
      .describe('Rises with every change and never restarts: a first revision is the time in microseconds.'),
    device: z.object({
      state: z.enum(['enrolled', 'retired', 'unknown']),
      owner: z.string().optional(),
      groups: z.array(z.string()),
      tags: z.array(z.string()),
      network: z.string().optional(),
      os: z.string().optional(),
    }),
    agents: z.array(
      z.object({
        source: id,
        agentId: id,
        by: matchKey.optional(),
        trust: matchTrust.optional(),
        reportedAt: timestamp.optional(),
        lastSeenAt: timestamp.optional(),
        observedAt: timestamp,
      }),
    ),
    attributes: z.record(z.string(), attributeReading),
    changed: z
      .array(z.string())
      .describe('Names of the attributes and device fields that differ from the revision before.'),
    problems: z.array(postureProblem),
  }),
});
