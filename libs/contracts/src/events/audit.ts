import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** The hash before the first record. */
export const AUDIT_GENESIS_HASH = '0'.repeat(64);

/** The last token of a record's subject where the recorded event is about no device. */
export const NO_DEVICE = '-';

export const AuditRecorded = defineEvent({
  name: 'audit.recorded',
  keys: ['stream', 'device'],
  summary:
    'One fact as received, or a gap where facts were gone before audit saw them; each chained to the one before.',
  owners: ['audit'],
  stream: STREAMS.AUDIT,
  data: z.object({
    kind: z.enum(['event', 'gap']),
    stream: id,
    device: id.describe('The device that the fact is about, or `-`.'),
    sequence: z.int().positive().describe("The fact's sequence in its stream; of a gap, the first one missing."),
    lastMissing: z.int().positive().optional().describe('Of a gap: the last one missing.'),
    subject: z.string().optional().describe("The fact's NATS subject."),
    storedAt: timestamp.optional().describe('When the stream stored it.'),
    payload: z.string().optional().describe('The payload as received.'),
    encoding: z.enum(['utf8', 'base64']).optional(),
    position: z.int().positive().describe('Position in the chain, from 1.'),
    previousHash: sha256,
    hash: sha256,
  }),
});
