import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';

/**
 * By kind, `targetId` and `details`:
 * - `manual-link`: `<source>/<agentId>`; `source`, `agentId`, `device`. `manual-unlink`: the same without `device`; of the
 *   two, the one that was stored last counts.
 * - `sweep-approved`: the source; `startedAt` and `digest` of the refused sweep, whose absent agents, no others, may be
 *   retired by the next one before `until`.
 * - `hold-released`: the gateway, whose withheld revocations are carried out.
 * - `break-glass-used`: written no more, `break-glass.used` took its place; records of it may still be there.
 */
export const OperatorActed = defineEvent({
  name: 'operator.acted',
  keys: ['kind', 'targetId'],
  summary: 'A person overrode what Stance would have done: who, what, why, until when.',
  owners: ['cli'],
  stream: STREAMS.OPERATIONS,
  data: z.object({
    kind: z.enum(['manual-link', 'manual-unlink', 'sweep-approved', 'hold-released', 'break-glass-used']),
    targetId: id,
    by: z.string(),
    reason: z.string(),
    until: timestamp.optional(),
    details: z.record(z.string(), z.string()).optional(),
  }),
});
