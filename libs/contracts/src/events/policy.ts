import { z } from 'zod';
import { defineEvent } from '../event.js';
import { atMost } from '../lengths.js';
import { STREAMS } from '../streams.js';

/** Largest policy document, in characters. */
export const MAX_POLICY_CHARACTERS = 512 * 1024;

/** Longest signature of a policy, in characters. */
export const MAX_POLICY_SIGNATURE_CHARACTERS = 4_096;

export const PolicyPublished = defineEvent({
  name: 'policy.published',
  keys: [],
  summary: 'A policy, as a whole, as written.',
  owners: ['config-sync', 'cli'],
  stream: STREAMS.POLICIES,
  data: z.object({
    revision: z.int().positive(),
    document: z.string().check(atMost(MAX_POLICY_CHARACTERS)),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe("Of the document's UTF-8 bytes, lower-case hex."),
    publishedBy: z.string().describe('As the publisher says; `signer` of `policy.activated` is who proved to be.'),
    comment: z.string().optional(),
    signature: z
      .string()
      .check(atMost(MAX_POLICY_SIGNATURE_CHARACTERS))
      .optional()
      .describe("By a policy admin: the content of the document's signature file, a statement with its SSH signature."),
  }),
});

export const PolicyActivated = defineEvent({
  name: 'policy.activated',
  keys: [],
  summary: 'The engine put a policy into force, or refused it.',
  owners: ['policy-engine'],
  stream: STREAMS.POLICIES,
  data: z.object({
    revision: z.int().positive(),
    outcome: z.enum(['active', 'refused']),
    mode: z
      .enum(['enforce', 'report'])
      .optional()
      .describe('`report`: runs beside the policy in force and decides nothing, until the next one comes into force.'),
    signer: z
      .string()
      .optional()
      .describe('Whose signature the engine verified, as its file of keys names them; absent where it asks for none.'),
    errors: z.array(
      z.object({
        message: z.string(),
        line: z.int().optional(),
        column: z.int().optional(),
        path: z.string().optional(),
      }),
    ),
  }),
});
