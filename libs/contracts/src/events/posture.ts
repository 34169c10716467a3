import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';
import { matchKey, matchTrust } from './agent.js';
import { mapOf } from '../map-of.js';
import { attributeValue, isAttributeValue } from './reason.js';

/** What keeps a device's posture from being certain or complete. */
export const postureProblem = z.enum(['not-enrolled', 'no-agent', 'quarantined', 'duplicate-serial', 'conflict']);

/** A value and the agent that reported it, as an index into `agents`; no agent when several disagree. */
export const attributeReading = z.object({ value: attributeValue, agent: z.int().nonnegative() });

function isAttributeReading(candidate: unknown): boolean {
  if (typeof candidate !== 'object' || candidate === null || !('value' in candidate && 'agent' in candidate))
    return false;
  const { value, agent } = candidate;
  return isAttributeValue(value) && Number.isSafeInteger(agent) && Number(agent) >= 0;
}

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
    attributes: mapOf(attributeReading, isAttributeReading),
    changed: z
      .array(z.string())
      .describe('Names of the attributes and device fields that differ from the revision before.'),
    problems: z.array(postureProblem),
  }),
});
