import { MAX_POLICY_CHARACTERS } from '@stance/contracts';
import type { Condition } from './conditions/condition.js';
import { conditionReader, type ReadCondition } from './conditions/condition-reader.js';
import { InvalidCondition } from './conditions/syntax.js';
import { meaningProblems, type PolicyLimits } from './document/meaning-errors.js';
import { policyDocument, type PolicyDocument } from './document/schema.js';
import { shapeProblems, type Problem } from './document/shape-errors.js';
import { readYaml, type YamlDocument } from './document/yaml-document.js';
import { parseDuration } from './duration.js';
import type { Gateway, Hold, Policy, PolicyError, PolicyTest, Posture, Requirement, Rule } from './policy.js';

export type ParsedPolicy =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly errors: readonly PolicyError[] };

/** Older than this, an attribute counts as unknown, where a policy does not say otherwise: 24 hours. */
export const DEFAULT_MAX_AGE = 86_400_000;

/** How long a posture has to hold before a failure has its full grace again, unless said otherwise: 24 hours. */
export const DEFAULT_REARM = 86_400_000;

/** The share of a gateway's open sessions above which a `hold` begins, unless said otherwise. */
export const DEFAULT_HOLD_ABOVE = 0.2;

const MAX_ERRORS = 100;

/**
 * Reads a policy document, YAML or JSON of at most 512 KiB characters. Never throws: all that is wrong with it comes
 * back at once, in the order of the document.
 */
export function parsePolicy(text: string, limits: PolicyLimits = {}): ParsedPolicy {
  if (text.length > MAX_POLICY_CHARACTERS) {
    const message = `a policy has at most ${MAX_POLICY_CHARACTERS} characters, this one has ${text.length}`;
    return { ok: false, errors: [{ message, line: 1, column: 1, path: '' }] };
  }
  const yaml = readYaml(text);
  if ('errors' in yaml) return { ok: false, errors: yaml.errors.slice(0, MAX_ERRORS) };

  const { root } = yaml.document;
  const shape = policyDocument.safeParse(root);
  const read = conditionReader();
  const problems = firstProblems(shapeProblems(root, shape.error?.issues ?? []), meaningProblems(root, limits, read));
  if (!shape.success || problems.length > 0) return { ok: false, errors: located(problems, yaml.document) };
  return { ok: true, policy: build(shape.data, read) };
}

/** What nobody will read is not looked for. */
function firstProblems(...sources: readonly Iterable<Problem>[]): Problem[] {
  const problems: Problem[] = [];
  for (const source of sources) {
    for (const problem of source) {
      if (problems.length === MAX_ERRORS) return problems;
      problems.push(problem);
    }
  }
  return problems;
}

function located(problems: readonly Problem[], document: YamlDocument): PolicyError[] {
  return problems
    .map(({ message, place }) => ({ message, ...document.locate(place), path: pathText(place.path) }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

const LONGEST_STEP = 100;

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const field = String(step).slice(0, LONGEST_STEP);
    return text === '' ? field : `${text}.${field}`;
  }, '');
}

function build(document: PolicyDocument, read: ReadCondition): Policy {
  const gateways = Object.entries(document.gateways ?? {}).map(([name, fields]) => gateway(name, fields));
  const everything = [...new Set(gateways.flatMap(({ resources }) => resources))];
  const rearm = milliseconds(document.defaults?.rearm) ?? DEFAULT_REARM;
  return {
    mode: document.mode ?? 'enforce',
    maxAge: milliseconds(document.defaults?.maxAge) ?? DEFAULT_MAX_AGE,
    postures: new Map(
      Object.entries(document.postures ?? {}).map(([name, fields]) => [name, posture(name, fields, read)]),
    ),
    gateways,
    rules: (document.rules ?? []).map((fields) => rule(fields, everything, rearm)),
    exceptions: (document.exceptions ?? []).map(({ until, ...fields }) => ({ ...fields, until: Date.parse(until) })),
    tests: (document.tests ?? []).map(policyTest),
  };
}

function gateway(name: string, fields: NonNullable<PolicyDocument['gateways']>[string]): Gateway {
  const { resources, identity, enforcement = 'enforce', hold } = fields;
  return { name, resources, identity, enforcement, hold: hold === undefined ? undefined : holdOf(hold) };
}

function holdOf(hold: string | { for: string; above?: string | undefined }): Hold {
  if (typeof hold === 'string') return { for: milliseconds(hold) ?? 0, above: DEFAULT_HOLD_ABOVE };
  const above = hold.above === undefined ? DEFAULT_HOLD_ABOVE : Number.parseInt(hold.above, 10) / 100;
  return { for: milliseconds(hold.for) ?? 0, above };
}

type PostureFields = NonNullable<PolicyDocument['postures']>[string];

function posture(name: string, fields: PostureFields, read: ReadCondition): Posture {
  const { conditions, maxAge } = Array.isArray(fields) ? { conditions: fields, maxAge: undefined } : fields;
  return { name, conditions: conditions.map((text) => checked(read(text))), maxAge: milliseconds(maxAge) };
}

/** @throws {InvalidCondition} never, once the document was found to be without problems. */
function checked(condition: Condition | InvalidCondition): Condition {
  if (condition instanceof InvalidCondition) throw condition;
  return condition;
}

type RuleFields = NonNullable<PolicyDocument['rules']>[number];
type Reference = NonNullable<RuleFields['require']>[number];

function rule(fields: RuleFields, everything: readonly string[], rearm: number): Rule {
  return {
    name: fields.name,
    effect: fields.effect ?? 'allow',
    mode: fields.mode ?? 'enforce',
    resources: fields.resources.includes('*') ? everything : [...new Set(fields.resources)],
    groups: fields.groups ?? [],
    tags: fields.tags ?? [],
    owners: fields.owners ?? [],
    require: (fields.require ?? []).map((reference) => requirement(reference, rearm)),
    requireAny: (fields.requireAny ?? []).map((reference) => requirement(reference, rearm)),
    when: (fields.when ?? []).map((reference) => requirement(reference, rearm).posture),
    maxAge: milliseconds(fields.maxAge),
    message: fields.message,
  };
}

function requirement(reference: Reference, rearm: number): Requirement {
  if (typeof reference === 'string') return { posture: reference, grace: 0, rearm };
  return {
    posture: reference.posture,
    grace: milliseconds(reference.grace) ?? 0,
    rearm: milliseconds(reference.rearm) ?? rearm,
  };
}

function policyTest(fields: NonNullable<PolicyDocument['tests']>[number]): PolicyTest {
  return {
    name: fields.name,
    fromPassing: fields.from === 'passing',
    device: fields.device,
    at: fields.at === undefined ? undefined : Date.parse(fields.at),
    failingFor: milliseconds(fields.failingFor) ?? 0,
    expect: new Map(Object.entries(fields.expect)),
  };
}

const milliseconds = (duration: string | undefined): number | undefined =>
  duration === undefined ? undefined : parseDuration(duration);
