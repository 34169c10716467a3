import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { PostureChanged, attributeValue } from '@stance/contracts';
import { parse } from 'yaml';
import { z } from 'zod';
import { compilePolicy, evaluateGateway, parsePolicy, runPolicyTests, type PostureSubject } from './index.js';

const { device, agents, problems } = PostureChanged.data.shape;

const names = z.array(z.string()).default([]);

/** One situation: a policy, a device at a time, and what has to come of it; or a policy and its errors. */
const goldenCase = z.strictObject({
  policy: z.string(),
  now: z.iso.datetime().default('2026-11-21T12:00:00Z'),
  gateway: z.string().default('edge'),
  /** Left out: the device has no posture record. */
  device: device.extend({ state: device.shape.state.default('enrolled'), groups: names, tags: names }).optional(),
  agents: z
    .array(
      agents.element.extend({
        source: z.string().default('acme'),
        agentId: z.string().optional(),
        by: agents.element.shape.by.default('serial'),
        observedAt: z.iso.datetime().optional(),
      }),
    )
    .default([]),
  /** Values by name, of the first agent. */
  attributes: z.record(z.string(), attributeValue).default({}),
  problems: problems.default([]),
  expect: z.record(z.string(), z.looseObject({ effect: z.string() })).optional(),
  reviewAt: z.iso.datetime().nullable().optional(),
  errors: z.array(z.looseObject({ message: z.string() })).optional(),
  tests: z.array(z.looseObject({ name: z.string(), passed: z.boolean() })).optional(),
});
type GoldenCase = z.infer<typeof goldenCase>;

const folder = new URL('./cases/', import.meta.url);
const files = readdirSync(fileURLToPath(folder)).filter((file) => file.endsWith('.yaml'));

function subjectOf(golden: GoldenCase): PostureSubject | undefined {
  if (golden.device === undefined) return undefined;
  return {
    deviceId: 'laptop',
    device: golden.device,
    agents: golden.agents.map((agent, index) => ({
      ...agent,
      agentId: agent.agentId ?? `agent-${index + 1}`,
      observedAt: agent.observedAt ?? golden.now,
    })),
    attributes: Object.fromEntries(
      Object.entries(golden.attributes).map(([name, value]) => [name, { value, agent: 0 }]),
    ),
    problems: golden.problems,
  };
}

function evaluateCase(golden: GoldenCase) {
  const parsed = parsePolicy(golden.policy);
  if (!parsed.ok) return { errors: parsed.errors };
  const compiled = compilePolicy(parsed.policy);
  const now = Date.parse(golden.now);
  const { resources, reviewAt } = evaluateGateway(compiled, golden.gateway, subjectOf(golden), now);
  const tests = runPolicyTests(compiled, now);
  return { resources, reviewAt: reviewAt === null ? null : new Date(reviewAt).toISOString(), tests };
}

describe('golden cases', () => {
  test.each(files)('%s', (file) => {
    const golden = goldenCase.parse(parse(readFileSync(new URL(file, folder), 'utf8')));
    const outcome = evaluateCase(golden);
    expect(outcome).toMatchObject(wantedOf(golden));
  });
});

/** What the outcome has to contain; a case without errors has to come to decisions. */
function wantedOf({ errors, expect: resources = {}, reviewAt, tests }: GoldenCase): object {
  if (errors !== undefined) return { errors };
  return {
    resources,
    ...(tests === undefined ? {} : { tests }),
    ...(reviewAt === undefined ? {} : { reviewAt: reviewAt === null ? null : new Date(reviewAt).toISOString() }),
  };
}
