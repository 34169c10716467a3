import type { AttributeValue } from '@stance/contracts';
import { parseDuration } from '../duration.js';
import type { PostureSubject, SubjectAgent } from '../evaluation/subject.js';
import type { TestDevice } from '../policy.js';
import type { Values } from './passing-values.js';

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

/** What the inventory would say of it. */
export function deviceFields(device: TestDevice, values: Values): PostureSubject['device'] {
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
