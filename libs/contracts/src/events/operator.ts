import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';

export const OperatorActed = defineEvent({
  name: 'operator.acted',
  keys: ['kind', 'targetId'],
  summary: 'A person overrode what Stance would have done: who, what, why, until when.',
  owners: ['cli', 'gateway'],
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
