import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';
import { attributes } from './reason.js';

/** What identifies the machine; every field as the source or inventory gives it, nothing invented. */
export const hardware = z.object({
  serialNumber: z.string().optional(),
  macAddresses: z.array(z.string()).optional().describe('Lower case, colon separated.'),
  hostname: z.string().optional(),
  uuid: z.string().optional(),
  externalId: z.string().optional(),
});
export type Hardware = z.infer<typeof hardware>;

const agentTimes = {
  registeredAt: timestamp.optional().describe('When the agent first registered with its source.'),
  reportedAt: timestamp.optional().describe("When the source reported the agent's record."),
  lastSeenAt: timestamp.optional().describe('When the agent was last in contact with its source.'),
  observedAt: timestamp.describe('When Stance read it.'),
};

const goneReason = z.enum(['uninstalled', 'not-in-sweep']);

export const AgentObserved = defineEvent({
  name: 'agent.observed',
  keys: ['source', 'agentId'],
  summary: 'A source shows an agent for the first time, changed, with fresher times, or gone.',
  owners: ['sentinelone-poller'],
  stream: STREAMS.AGENTS,
  data: z.object({
    source: id,
    agentId: id,
    presence: z.enum(['present', 'gone']),
    goneReason: goneReason.optional(),
    hardware,
    user: z.string().optional(),
    attributes,
    clean: z
      .boolean()
      .optional()
      .describe('While gone: whether the last posture that was read of it was free of threats and isolation.'),
    ...agentTimes,
  }),
});

/** How an agent was matched to its device. */
export const matchKey = z.enum(['serial', 'externalId+mac', 'uuid', 'mac+hostname', 'manual']);

/** How far a match can be trusted: proved by a key or a person, read from hardware by the agent, or a name that users can change. */
export const matchTrust = z.enum(['verified', 'reported', 'weak']);

/**
 * Why an agent is matched to no device, or to none for certain: nothing to match by (`no-serial`, `placeholder-serial`),
 * nothing that fits (`no-device`), a key that several devices have (`duplicate-device-serial`, `several-devices`), keys that
 * name different devices (`conflicting-keys`), several agents for one device that need not be one machine
 * (`duplicate-agent-serial`, `several-agents`), no proof that it may take the place of an agent before it
 * (`unproven-successor`), another agent in its place (`superseded`), or a person's word for another (`linked-elsewhere`).
 */
export const matchProblem = z.enum([
  'no-serial',
  'placeholder-serial',
  'no-device',
  'duplicate-device-serial',
  'duplicate-agent-serial',
  'several-devices',
  'several-agents',
  'conflicting-keys',
  'unproven-successor',
  'superseded',
  'linked-elsewhere',
]);

export const AgentMatched = defineEvent({
  name: 'agent.matched',
  keys: ['source', 'agentId'],
  summary: 'The register of one agent: the device that it belongs to, or why to none, and what it last reported.',
  owners: ['device-matcher'],
  stream: STREAMS.MATCHES,
  data: z.object({
    source: id,
    agentId: id,
    state: z.enum(['matched', 'unmatched', 'quarantined']),
    device: id.nullable().describe('The device while `matched`.'),
    previousDevice: id.nullable().describe('The device of the register before this one, while it was another.'),
    candidates: z.array(id).optional().describe('While `quarantined`: every device that the agent may belong to.'),
    by: matchKey.optional(),
    trust: matchTrust.optional(),
    problem: matchProblem.optional(),
    presence: z.enum(['present', 'gone']),
    goneReason: goneReason.optional(),
    serialNumber: z.string().optional(),
    macAddresses: z.array(z.string()).optional(),
    hostname: z.string().optional(),
    uuid: z.string().optional(),
    externalId: z.string().optional(),
    formerDevice: id
      .optional()
      .describe('While gone: the device that it was the agent of, and that another may take over only with proof.'),
    clean: z.boolean().optional().describe('Whether its last posture was free of threats and isolation.'),
    user: z.string().optional(),
    attributes,
    ...agentTimes,
  }),
});
