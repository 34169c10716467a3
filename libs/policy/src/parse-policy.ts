import { MAX_POLICY_CHARACTERS } from '@stance/contracts';
import { parseCondition } from './conditions/condition.js';
import { meaningProblems, type PolicyLimits } from './document/meaning-errors.js';
import { policyDocument, type PolicyDocument } from './document/schema.js';
import { shapeProblems, type Problem } from './document/shape-errors.js';
import { readYaml, type YamlDocument } from './document/yaml-document.js';
import { parseDuration } from './duration.js';
import type { Gateway, Policy, PolicyError, PolicyTest, Posture, Rule } from './policy.js';

export type ParsedPolicy =
  { readonly ok: true; readonly policy: Policy } | { readonly ok: false; readonly errors: readonly PolicyError[] };

/** Older than this, an attribute counts as unknown, where a policy does not say otherwise: 24 hours. */
export const DEFAULT_MAX_AGE = 86_400_000;

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
  const problems = shape.success ? [] : shapeProblems(root, shape.error.issues);
  problems.push(...meaningProblems(root, limits));
  if (!shape.success || problems.length > 0) return { ok: false, errors: located(problems, yaml.document) };
  return { ok: true, policy: build(shape.data) };
}

function located(problems: readonly Problem[], document: YamlDocument): PolicyError[] {
  return problems
    .slice(0, MAX_ERRORS)
    .map(({ message, place }) => ({ message, ...document.locate(place), path: pathText(place.path) }))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? String(step) : `${text}.${String(step)}`;
  }, '');
}

function build(document: PolicyDocument): Policy {
  const gateways = Object.entries(document.gateways ?? {}).map(([name, { resources }]): Gateway => ({
    name,
    resources,
  }));
  const everything = [...new Set(gateways.flatMap(({ resources }) => resources))];
  return {
    maxAge: milliseconds(document.defaults?.maxAge) ?? DEFAULT_MAX_AGE,
    postures: new Map(Object.entries(document.postures ?? {}).map(([name, fields]) => [name, posture(name, fields)])),
    gateways,
    rules: (document.rules ?? []).map((fields) => rule(fields, everything)),
    tests: (document.tests ?? []).map(policyTest),
  };
}

function posture(name: string, fields: NonNullable<PolicyDocument['postures']>[string]): Posture {
  const { conditions, maxAge } = Array.isArray(fields) ? { conditions: fields, maxAge: undefined } : fields;
  return { name, conditions: conditions.map(parseCondition), maxAge: milliseconds(maxAge) };
}

function rule(fields: NonNullable<PolicyDocument['rules']>[number], everything: readonly string[]): Rule {
  return {
    name: fields.name,
    effect: fields.effect ?? 'allow',
    resources: fields.resources.includes('*') ? everything : [...new Set(fields.resources)],
    groups: fields.groups ?? [],
    tags: fields.tags ?? [],
    owners: fields.owners ?? [],
    require: (fields.require ?? []).map(postureName),
    requireAny: (fields.requireAny ?? []).map(postureName),
    when: (fields.when ?? []).map(postureName),
    maxAge: milliseconds(fields.maxAge),
    message: fields.message,
  };
}

function policyTest(fields: NonNullable<PolicyDocument['tests']>[number]): PolicyTest {
  return {
    name: fields.name,
    fromPassing: fields.from === 'passing',
    device: fields.device,
    expect: new Map(Object.entries(fields.expect)),
  };
}

const postureName = (reference: string | { posture: string }): string =>
  typeof reference === 'string' ? reference : reference.posture;

const milliseconds = (duration: string | undefined): number | undefined =>
  duration === undefined ? undefined : parseDuration(duration);
