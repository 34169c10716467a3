import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { atMost } from '../lengths.js';
import { STREAMS } from '../streams.js';
import { deviceProof } from './decision.js';
import { reason } from './reason.js';

/** What a gateway can do to a live session: cut its connection, or refuse its next request. */
export const enforcement = z.enum(['cut', 'next-request']);

export const SessionStarted = defineEvent({
  name: 'session.started',
  keys: ['gateway', 'deviceId', 'sessionId'],
  summary: 'A gateway let a device reach a resource and keeps a session for it.',
  owners: ['gateway'],
  stream: STREAMS.SESSIONS,
  data: z.object({
    gateway: id,
    deviceId: id,
    sessionId: id.describe('Never used twice.'),
    resource: z.string(),
    user: z.string().optional(),
    startedAt: timestamp,
    expiresAt: timestamp.describe('The absolute lifetime: 12 h by default, 7 days at most.'),
    enforcement,
    proof: deviceProof.optional().describe('How the device was proved; by its address where nothing is said.'),
    context: z.record(z.string(), z.string()).optional(),
  }),
});

export const SessionEnded = defineEvent({
  name: 'session.ended',
  keys: ['gateway', 'deviceId', 'sessionId'],
  summary: 'A session is over at the gateway.',
  owners: ['gateway'],
  stream: STREAMS.SESSIONS,
  data: z.object({
    gateway: id,
    deviceId: id,
    sessionId: id,
    resource: z.string(),
    cause: z.enum(['closed', 'revoked', 'expired']),
    endedAt: timestamp,
    enforcedAt: timestamp.optional().describe('While `revoked`: when the gateway stopped serving it.'),
    enforcement: enforcement.optional(),
  }),
});

export const SessionRevoked = defineEvent({
  name: 'session.revoked',
  keys: ['gateway', 'deviceId', 'sessionId'],
  summary: 'A session must end now: its device may no longer reach its resource.',
  owners: ['policy-engine'],
  stream: STREAMS.REVOCATIONS,
  data: z.object({
    gateway: id,
    deviceId: id,
    sessionId: id,
    resource: z.string(),
    user: z.string().optional(),
    reasons: z.array(reason),
    postureRevision: z.int().nonnegative(),
    policyRevision: z.int().nonnegative(),
    revokedAt: timestamp,
  }),
});

/** Sessions that one message names, at most. */
export const MAX_SESSIONS_USED = 2_000;

export const SessionsUsed = defineEvent({
  name: 'session.used',
  keys: ['gateway'],
  summary:
    'A replica of a gateway saw sessions in use: what keeps the others from ending them for idleness. Core NATS, and only where sessions have an idle limit.',
  owners: ['gateway'],
  stream: null,
  data: z.object({
    gateway: id,
    replica: z.string().describe('Of the process, new with each start.'),
    sessionIds: z.array(id).check(atMost(MAX_SESSIONS_USED)),
    reportedAt: timestamp,
  }),
});
