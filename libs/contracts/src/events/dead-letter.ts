import { z } from 'zod';
import { defineEvent, id, timestamp } from '../event.js';
import { STREAMS } from '../streams.js';

/** Why a message could not be used. */
export const DEAD_LETTER_CODES = {
  malformed: 'It is not a CloudEvent of its subject: broken JSON, a missing field, a wrong type.',
  misaddressed: 'Its type or ids do not fit the subject that it was published on.',
  oversized: 'It is larger than an event may be.',
  forbidden: 'It carries headers that only the server may set.',
  unprocessable: 'It is well formed and the service refused it for good.',
  exhausted: 'It failed at every attempt.',
} as const;

export type DeadLetterCode = keyof typeof DEAD_LETTER_CODES;
const codes = Object.keys(DEAD_LETTER_CODES) as [DeadLetterCode, ...DeadLetterCode[]];

export const DeadLettered = defineEvent({
  name: 'dead.lettered',
  keys: ['service', 'originalSubject'],
  subjectPrefix: 'stance.dead',
  endsWithSubject: true,
  summary: 'A message that a service could not use, as received, with the reason.',
  owners: ['sentinelone-poller', 'device-matcher', 'posture-store', 'policy-engine', 'audit', 'config-sync', 'gateway'],
  stream: STREAMS.DEAD,
  data: z.object({
    service: id,
    originalSubject: z.string(),
    stream: z.string(),
    sequence: z.int().positive(),
    headers: z.record(z.string(), z.array(z.string())).describe('Headers as received.'),
    payload: z.string(),
    encoding: z.enum(['utf8', 'base64']),
    bytes: z.int().nonnegative().describe('Bytes of the original; more than `payload` holds when it was cut to fit.'),
    reason: z.object({ code: z.enum(codes), message: z.string() }),
    attempts: z.int().positive(),
    diedAt: timestamp,
  }),
});
