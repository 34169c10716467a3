import { atLeast, atMost, deviceProof, effect } from '@stance/contracts';
import { z } from 'zod';
import { DURATION_PATTERN, policyDuration } from '../duration.js';

const NAME_PATTERN = /^[\p{L}\p{N}][\p{L}\p{N} ._:/@+-]*$/u;
const RESOURCE_PATTERN = /^[\p{L}\p{N}][\p{L}\p{N}._:/@+-]*$/u;

const text = (longest: number) => z.string().check(atLeast(1), atMost(longest));
const name = (what: string) =>
  text(100).regex(NAME_PATTERN, `expected ${what}: letters, digits, spaces and . _ : / @ + -`);
const duration = z
  .string()
  .regex(DURATION_PATTERN, { error: 'expected a duration such as 15m or 24h', abort: true })
  .refine((text) => policyDuration(text) !== undefined, 'expected a duration of at most 3650d')
  .meta({ description: 'A duration such as 15m, 24h or 7d.' });
const maxAge = duration.meta({
  description:
    'Older than this, the value of an agent attribute counts as unknown. A rule goes before a posture, a posture before the default.',
});

const condition = z
  .string()
  .check(atLeast(1))
  .meta({
    description: "<namespace>:<name> <operator> <value>, for example sentinelOne:agentVersion >= '24.1'",
    examples: [
      'sentinelOne:infected == false',
      "sentinelOne:osType IN ['macos', 'linux']",
      'sentinelOne:domain IS SET',
    ],
  });
const conditions = z.array(condition).check(atLeast(1), atMost(500));

const postureFields = z.strictObject({ maxAge: maxAge.optional(), conditions });
const posture = z.union([conditions, postureFields]).meta({ description: 'Conditions that all have to hold.' });

const resource = text(100).regex(
  RESOURCE_PATTERN,
  'expected the name of a resource: letters, digits and . _ : / @ + -',
);

const mode = z.enum(['enforce', 'report']);

const holdFields = z.strictObject({
  for: duration.meta({ description: 'How long revocations wait for a person.' }),
  above: z
    .string()
    .regex(/^(?:[1-9]|[1-9]\d|100)%$/, 'expected a share from 1% to 100%, such as 20%')
    .optional()
    .meta({ description: "The share of the gateway's open sessions, revoked within a minute; 20% by default." }),
});

const gateway = z.strictObject({
  resources: z
    .array(resource)
    .check(atLeast(1), atMost(1000))
    .meta({ description: 'What is behind this gateway, by names that hold for all gateways.' }),
  identity: deviceProof.optional().meta({
    description: 'The least proof of the device that the gateway accepts, from the strongest to the weakest.',
  }),
  enforcement: mode.optional().meta({
    description: 'report: decisions are told and not applied, to try a policy out. enforce by default.',
    default: 'enforce',
  }),
  hold: z.union([duration, holdFields]).optional().meta({
    description: 'When too many sessions would be revoked at once, wait for a person, at most so long.',
  }),
});

const referenceFields = z.strictObject({
  posture: text(100),
  grace: duration.optional().meta({
    description: 'Of an allow rule: for how long a device that held the posture before is only warned when it fails.',
  }),
  rearm: duration.optional().meta({
    description: 'How long the posture has to hold before a failure has its full grace again; 24h by default.',
  }),
});
const postureReference = z.union([text(100), referenceFields]);
const scope = z.array(text(320)).check(atLeast(1), atMost(1000)).optional();

const rule = z.strictObject({
  name: text(200).meta({ description: 'A sentence that says what the rule does. No two rules share it.' }),
  effect: z
    .enum(['allow', 'deny'])
    .optional()
    .meta({ description: 'allow unless said otherwise. A deny beats every allow.', default: 'allow' }),
  mode: mode.optional().meta({
    description: 'report: the rule decides nothing; what it would do is told as `shadow`.',
    default: 'enforce',
  }),
  resources: z
    .array(text(100))
    .check(atLeast(1), atMost(1000))
    .meta({ description: "Names of resources, or '*' for all." }),
  groups: scope.meta({ description: "Any of these groups of the device's owner." }),
  tags: scope.meta({ description: 'Any of these tags of the device.' }),
  owners: scope.meta({ description: 'Any of these owners, by e-mail address.' }),
  require: z
    .array(postureReference)
    .check(atLeast(1), atMost(100))
    .optional()
    .meta({ description: 'Of an allow rule: postures that all have to hold.' }),
  requireAny: z
    .array(postureReference)
    .check(atLeast(1), atMost(100))
    .optional()
    .meta({ description: 'Of an allow rule: postures of which one has to hold.' }),
  when: z
    .array(postureReference)
    .check(atLeast(1), atMost(100))
    .optional()
    .meta({ description: 'Of a deny rule: it matches unless all of these postures are false.' }),
  maxAge: maxAge.optional(),
  message: text(1000).optional().meta({ description: 'What a person who is not let in should read first.' }),
});

const attributeValue = z.union([z.boolean(), z.number(), z.string(), z.array(z.string()), z.null()]);

const exception = z.strictObject({
  device: text(200).meta({ description: 'The id of the device.' }),
  rule: text(200).meta({ description: 'The name of an allow rule.' }),
  waive: z
    .array(text(100))
    .check(atLeast(1), atMost(100))
    .meta({ description: 'Postures that the rule requires and this device need not hold.' }),
  until: z.iso
    .datetime({ offset: true, error: 'expected a time such as 2026-12-24T00:00:00Z' })
    .meta({ description: 'When it ends by itself.' }),
  reason: text(1000).meta({ description: 'Why, with a ticket.' }),
  approvedBy: text(320).meta({ description: 'Who answers for it.' }),
});

const testDevice = z.strictObject({
  id: text(200).optional().meta({ description: 'For exceptions.' }),
  state: z.enum(['enrolled', 'retired', 'unknown']).optional(),
  owner: text(320).optional(),
  groups: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
  network: z.string().optional(),
  os: z.string().optional(),
  quarantined: z.boolean().optional(),
  attributes: z
    .record(z.string(), attributeValue)
    .optional()
    .meta({ description: 'Values by attribute; null takes one away.' }),
});

const test = z.strictObject({
  name: text(200),
  from: z
    .literal('passing')
    .optional()
    .meta({ description: 'Start from a device that holds all that the rules require, then change it.' }),
  device: testDevice.default({}),
  at: z.iso
    .datetime({ offset: true, error: 'expected a time such as 2026-12-24T00:00:00Z' })
    .optional()
    .meta({ description: 'The time of the test; that of the run by default. Exceptions end.' }),
  failingFor: duration.optional().meta({
    description: 'With from: passing, for how long the device has been as the test changes it. Graces end.',
  }),
  expect: z
    .record(z.string(), effect)
    .refine((expected) => Object.keys(expected).length > 0, 'expected at least one resource'),
});

const defaults = z.strictObject({
  maxAge: maxAge.optional(),
  rearm: duration.optional().meta({ description: 'See rearm of a required posture; 24h.' }),
});

/** The shape of a policy document; what its names refer to and whether its conditions make sense is checked apart. */
export const policyDocument = z
  .strictObject({
    version: z.literal(1),
    mode: mode.optional().meta({
      description: 'report: the whole policy runs beside the one in force and decides nothing.',
      default: 'enforce',
    }),
    defaults: defaults.optional(),
    postures: z.record(name('the name of a posture'), posture).optional(),
    gateways: z.record(name('the name of a gateway'), gateway).optional(),
    rules: z.array(rule).check(atMost(5000)).optional().meta({ description: 'What no rule allows is denied.' }),
    exceptions: z.array(exception).check(atMost(5000)).optional().meta({
      description: 'Postures that single devices need not hold, each for a time. No exception overrides a deny.',
    }),
    tests: z
      .array(test)
      .check(atMost(5000))
      .optional()
      .meta({ description: 'Run before the policy comes into force; one that fails keeps it out.' }),
  })
  .meta({ title: 'Stance policy', description: 'Who may reach what, from a device in which state.' });

export type PolicyDocument = z.infer<typeof policyDocument>;

/** The JSON Schema of policy documents, as JSON text, for completion in editors. */
export function policyJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(policyDocument, { io: 'input' }), null, 2)}\n`;
}

/** The fields there are at a path of the document. */
export function fieldsAt(path: readonly PropertyKey[]): readonly string[] {
  return Object.keys(objectAt(path).shape);
}

function objectAt([room, , field]: readonly PropertyKey[]): z.ZodObject {
  switch (room) {
    case 'defaults':
      return defaults;
    case 'postures':
      return postureFields;
    case 'gateways':
      return field === undefined ? gateway : holdFields;
    case 'rules':
      return field === undefined ? rule : referenceFields;
    case 'exceptions':
      return exception;
    case 'tests':
      return field === undefined ? test : testDevice;
    default:
      return policyDocument;
  }
}
