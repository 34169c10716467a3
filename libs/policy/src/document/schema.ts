import { z } from 'zod';
import { DURATION_PATTERN } from '../duration.js';

const NAME_PATTERN = /^[\p{L}\p{N}][\p{L}\p{N} ._:/@+-]*$/u;
const RESOURCE_PATTERN = /^[\p{L}\p{N}][\p{L}\p{N}._:/@+-]*$/u;

const text = (longest: number) => z.string().min(1).max(longest);
const name = (what: string) =>
  text(100).regex(NAME_PATTERN, `expected ${what}: letters, digits, spaces and . _ : / @ + -`);
const duration = z
  .string()
  .regex(DURATION_PATTERN, 'expected a duration such as 15m or 24h')
  .meta({ description: 'A duration such as 15m, 24h or 7d.' });
const maxAge = duration.meta({
  description:
    'Older than this, the value of an agent attribute counts as unknown. A rule goes before a posture, a posture before the default.',
});

const condition = z
  .string()
  .min(1)
  .meta({
    description: "<namespace>:<name> <operator> <value>, for example sentinelOne:agentVersion >= '24.1'",
    examples: [
      'sentinelOne:infected == false',
      "sentinelOne:osType IN ['macos', 'linux']",
      'sentinelOne:domain IS SET',
    ],
  });
const conditions = z.array(condition).min(1).max(500);

const postureFields = z.strictObject({ maxAge: maxAge.optional(), conditions });
const posture = z.union([conditions, postureFields]).meta({ description: 'Conditions that all have to hold.' });

const resource = text(100).regex(
  RESOURCE_PATTERN,
  'expected the name of a resource: letters, digits and . _ : / @ + -',
);

const gateway = z.strictObject({
  resources: z
    .array(resource)
    .min(1)
    .max(1000)
    .meta({ description: 'What is behind this gateway, by names that hold for all gateways.' }),
});

const referenceFields = z.strictObject({ posture: text(100) });
const postureReference = z.union([text(100), referenceFields]);
const scope = z.array(text(320)).min(1).max(1000).optional();

const rule = z.strictObject({
  name: text(200).meta({ description: 'A sentence that says what the rule does. No two rules share it.' }),
  effect: z
    .enum(['allow', 'deny'])
    .optional()
    .meta({ description: 'allow unless said otherwise. A deny beats every allow.', default: 'allow' }),
  resources: z.array(text(100)).min(1).max(1000).meta({ description: "Names of resources, or '*' for all." }),
  groups: scope.meta({ description: "Any of these groups of the device's owner." }),
  tags: scope.meta({ description: 'Any of these tags of the device.' }),
  owners: scope.meta({ description: 'Any of these owners, by e-mail address.' }),
  require: z
    .array(postureReference)
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'Of an allow rule: postures that all have to hold.' }),
  requireAny: z
    .array(postureReference)
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'Of an allow rule: postures of which one has to hold.' }),
  when: z
    .array(postureReference)
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'Of a deny rule: it matches unless all of these postures are false.' }),
  maxAge: maxAge.optional(),
  message: text(1000).optional().meta({ description: 'What a person who is not let in should read first.' }),
});

const attributeValue = z.union([z.boolean(), z.number(), z.string(), z.array(z.string()), z.null()]);

const testDevice = z.strictObject({
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
  expect: z
    .record(z.string(), z.enum(['allow', 'deny']))
    .refine((expected) => Object.keys(expected).length > 0, 'expected at least one resource'),
});

const defaults = z.strictObject({ maxAge: maxAge.optional() });

/** The shape of a policy document; what its names refer to and whether its conditions make sense is checked apart. */
export const policyDocument = z
  .strictObject({
    version: z.literal(1),
    defaults: defaults.optional(),
    postures: z.record(name('the name of a posture'), posture).optional(),
    gateways: z.record(name('the name of a gateway'), gateway).optional(),
    rules: z.array(rule).max(5000).optional().meta({ description: 'What no rule allows is denied.' }),
    tests: z
      .array(test)
      .max(5000)
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
      return gateway;
    case 'rules':
      return field === undefined ? rule : referenceFields;
    case 'tests':
      return field === undefined ? test : testDevice;
    default:
      return policyDocument;
  }
}
