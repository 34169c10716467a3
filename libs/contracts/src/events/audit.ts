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
    /** The device that the fact is about, or `-`. */
    device: id,
    /** The fact's sequence in its stream; of a gap, the first one missing. */
    sequence: z.int().positive(),
    /** Of a gap: the last one missing. */
    lastMissing: z.int().positive().optional(),
    /** The fact's NATS subject. */
    subject: z.string().optional(),
    /** When the stream stored it. */
    storedAt: timestamp.optional(),
    /** The payload as received. */
    payload: z.string().optional(),
    encoding: z.enum(['utf8', 'base64']).optional(),
    /** Position in the chain, from 1. */
    position: z.int().positive(),
    previousHash: sha256,
    hash: sha256,
  }),
});
