import type { AttributeValue } from '@stance/contracts';
import type { CompiledPosture, CompiledPolicy, CompiledRule } from '../evaluation/compile-policy.js';
import type { PostureSubject, SubjectAgent } from '../evaluation/subject.js';
import { parseDuration } from '../duration.js';
import type { PolicyTest, TestDevice } from '../policy.js';
import { valuesFor, type Demand, type Values } from './passing-values.js';

const NO_VALUES: Values = new Map();

/** Where a policy's own test starts from. */
export interface StartingPoint {
  readonly values: Values;
  /** Expected resources that no device of this kind can pass for, however it is. */
  readonly impassable: readonly string[];
}

/** The values of a device that holds all that the rules for it require; none where the test does not start from that. */
export function startingPoint(compiled: CompiledPolicy, { fromPassing, device, expect }: PolicyTest): StartingPoint {
  if (!fromPassing) return { values: NO_VALUES, impassable: [] };
  const fields = deviceFields(device, NO_VALUES);
  const resources = [...expect.keys()].map((name) => compiled.resources.get(name)).filter((one) => one !== undefined);
  const inScope = (rules: readonly CompiledRule[]): CompiledRule[] => rules.filter((rule) => rule.applies(fields));
  const allows = new Set(inScope(resources.flatMap((resource) => resource.allows)));
  const denies = new Set(inScope(resources.flatMap((resource) => resource.denies)));

  let demands: readonly Demand[] = [];
  const passed = new Set<CompiledRule>();
  for (const rule of allows) {
    const met = firstPossible(demands, waysToPass(rule));
    if (met === undefined) continue;
    demands = met;
    passed.add(rule);
  }
  for (const posture of [...denies].flatMap((rule) => rule.when)) {
    demands = firstPossible(demands, waysToFail(posture)) ?? demands;
  }
  const impassable = resources
    .filter((resource) => {
      const rules = inScope(resource.allows);
      return rules.length > 0 && !rules.some((rule) => passed.has(rule));
    })
    .map(({ name }) => name);
  return { values: valuesFor(demands) ?? NO_VALUES, impassable };
}

function firstPossible(demands: readonly Demand[], ways: readonly (readonly Demand[])[]): Demand[] | undefined {
  return ways.map((way) => [...demands, ...way]).find((all) => valuesFor(all) !== undefined);
}

/** All of `require`, and each of `requireAny` in turn. */
function waysToPass({ require, requireAny }: CompiledRule): Demand[][] {
  const required = require.flatMap(({ posture }) => holding(posture));
  return requireAny.length === 0 ? [required] : requireAny.map(({ posture }) => [...required, ...holding(posture)]);
}

const holding = ({ conditions }: CompiledPosture): Demand[] =>
  conditions.map(({ condition }) => ({ condition, wanted: true }));

const waysToFail = ({ conditions }: CompiledPosture): Demand[][] =>
  conditions.map(({ condition }) => [{ condition, wanted: false }]);

/** The posture of a device with the given values, changed as a test says; freshly read at `now` (milliseconds). */
export function subjectOf(device: TestDevice, start: Values, now: number): PostureSubject {
  const values = new Map([...start, ...Object.entries(device.attributes ?? {})]);
  const agents = agentsOf(values, now);
  const attributes: PostureSubject['attributes'] = {};
  for (const [name, value] of values) {
    if (value !== null && name.startsWith('sentinelOne:')) attributes[name] = { value, agent: 0 };
  }
  const problems: PostureSubject['problems'] = device.quarantined === true ? ['quarantined'] : [];
  return { deviceId: device.id ?? 'tested', device: deviceFields(device, values), agents, attributes, problems };
}

function agentsOf(values: Values, now: number): SubjectAgent[] {
  const reported = [...values].some(([name, value]) => value !== null && !name.startsWith('device:'));
  const count = numberOr(values.get('stance:agents'), reported ? 1 : 0);
  const age = ageOf(values.get('stance:lastSeenAge'));
  const by = MATCHES.find((match) => match === (values.get('stance:matchedBy') ?? 'serial'));
  const matched = values.get('stance:matchedBy') === null ? undefined : by;
  return Array.from({ length: Math.min(count, 10) }, (_, index) => ({
    source: 'test',
    agentId: String(index + 1),
    ...(matched === undefined ? {} : { by: matched }),
    ...(age === undefined ? {} : { lastSeenAt: new Date(now - age).toISOString() }),
    observedAt: new Date(now).toISOString(),
  }));
}

const MATCHES = ['manual', 'serial', 'uuid', 'externalId+mac', 'mac+hostname'] as const satisfies SubjectAgent['by'][];

const numberOr = (value: AttributeValue | null | undefined, otherwise: number): number =>
  typeof value === 'number' && value >= 0 ? Math.floor(value) : otherwise;

/** Milliseconds; just seen where nothing is said, undefined where it is said to be unknown. */
function ageOf(value: AttributeValue | null | undefined): number | undefined {
  if (value === null) return undefined;
  return typeof value === 'string' ? (parseDuration(value) ?? 0) : numberOr(value, 0);
}

function deviceFields(device: TestDevice, values: Values): PostureSubject['device'] {
  const owner = device.owner ?? textOf(values.get('device:owner'));
  const network = device.network ?? textOf(values.get('device:network'));
  const os = device.os ?? textOf(values.get('device:os'));
  return {
    state: device.state ?? 'enrolled',
    groups: device.groups ?? entriesOf(values.get('device:groups')),
    tags: device.tags ?? entriesOf(values.get('device:tags')),
    ...(owner === undefined ? {} : { owner }),
    ...(network === undefined ? {} : { network }),
    ...(os === undefined ? {} : { os }),
  };
}

const textOf = (value: AttributeValue | null | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

const entriesOf = (value: AttributeValue | null | undefined): string[] => (Array.isArray(value) ? value : []);
