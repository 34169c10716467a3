import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';
import { deviceProof } from './decision.js';

export const BreakGlassUsed = defineEvent({
  name: 'break-glass.used',
  keys: ['gateway', 'useId'],
  summary:
    'A gateway let somebody in by an entry of its break-glass file, whatever the policy says: told once for each entry and user.',
  owners: ['gateway'],
  stream: STREAMS.OPERATIONS,
  data: z.object({
    gateway: id,
    useId: id.describe('The same for an entry and user at every replica and after every restart.'),
    deviceId: id,
    resource: z.string(),
    user: z.string().optional().describe('Absent where none was proved.'),
    proof: deviceProof.describe('How the device was proved.'),
    by: z.string().describe('Who wrote the entry.'),
    reason: z.string(),
    until: timestamp.describe('The end of the entry.'),
    usedAt: timestamp.describe(
      'When it let them in for the first time, which may be long before it could be recorded.',
    ),
  }),
});
