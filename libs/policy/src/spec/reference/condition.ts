import type { AttributeValue, ReasonCode } from '@stance/contracts';
import type { Condition } from '../../conditions/condition.js';
import type { PostureSubject } from '../../evaluation/subject.js';

/** What became of a condition; `code` says why it does not hold. */
export type Finding =
  { readonly verdict: 'true' } | { readonly verdict: 'false' | 'unknown'; readonly code: ReasonCode };

type Type = Condition['definition']['type'];

const TRUE: Finding = { verdict: 'true' };
const FALSE: Finding = { verdict: 'false', code: 'condition-false' };
const unknown = (code: ReasonCode): Finding => ({ verdict: 'unknown', code });

/** Judges one condition as of `now` word by word as docs/policy.md has it; `maxAge` in milliseconds. */
export function judge(condition: Condition, subject: PostureSubject, maxAge: number, now: number): Finding {
  const { attribute, definition } = condition;
  const fromAgent = definition.origin === 'agent';
  const value = valueOf(attribute, subject, now);
  if (value === undefined && fromAgent && subject.problems.includes('conflict')) return unknown('attribute-conflict');
  const agent = subject.agents[subject.attributes[attribute]?.agent ?? -1];
  if (value !== undefined && fromAgent && agent === undefined) return unknown('attribute-conflict');

  const finding = judgeValue(condition, value);
  const isStale = fromAgent && agent !== undefined && now - confirmedAt(agent, now) > maxAge;
  return finding.verdict !== 'unknown' && isStale ? unknown('attribute-stale') : finding;
}

function judgeValue(condition: Condition, value: AttributeValue | undefined): Finding {
  const { definition, operator } = condition;
  if (operator === 'IS SET') return value === undefined ? FALSE : TRUE;
  if (operator === 'NOT SET') return value === undefined ? TRUE : FALSE;
  if (value === undefined) return unknown('attribute-unset');
  if (definition.type === 'list') return judgeList(condition, value);
  const read = readAs(definition.type, value);
  if (read === undefined) return unknown('attribute-mistyped');
  if (definition.values !== undefined && !definition.values.includes(String(value)))
    return unknown('attribute-unlisted');
  return compare(condition, definition.type, read) ? TRUE : FALSE;
}

function judgeList({ definition, literals }: Condition, value: AttributeValue): Finding {
  if (!Array.isArray(value)) return unknown('attribute-mistyped');
  const { values } = definition;
  if (values !== undefined && value.some((entry) => !values.includes(entry))) return unknown('attribute-unlisted');
  return literals.every(({ text }) => value.includes(text)) ? TRUE : FALSE;
}

/** When an agent's values were last known to be so: when read, or at the last contact if earlier; none in the future. */
function confirmedAt({ observedAt, lastSeenAt }: PostureSubject['agents'][number], now: number): number {
  const times = [Date.parse(observedAt), Date.parse(lastSeenAt ?? observedAt), now];
  return times.some(Number.isNaN) ? -Infinity : Math.min(...times);
}

function valueOf(attribute: string, subject: PostureSubject, now: number): AttributeValue | undefined {
  const { device, agents, attributes } = subject;
  switch (attribute) {
    case 'device:owner':
      return device.owner;
    case 'device:groups':
      return device.groups;
    case 'device:tags':
      return device.tags;
    case 'device:network':
      return device.network;
    case 'device:os':
      return device.os;
    case 'stance:agents':
      return agents.length;
    case 'stance:matchedBy': {
      const bestToWorst = ['manual', 'serial', 'uuid', 'externalId+mac', 'mac+hostname'] as const;
      if (agents.some(({ by }) => by === undefined)) return undefined;
      return bestToWorst.findLast((way) => agents.some(({ by }) => by === way));
    }
    case 'stance:lastSeenAge': {
      const ages = agents.map((agent) => now - confirmedAt(agent, now));
      const told = agents.every(({ lastSeenAt }) => lastSeenAt !== undefined) && ages.every(Number.isFinite);
      return told && ages.length > 0 ? Math.max(...ages) : undefined;
    }
    default:
      return attributes[attribute]?.value;
  }
}

type Read = boolean | number | string | VersionRead;
interface VersionRead {
  readonly parts: readonly number[];
  readonly preRelease: string;
}

function readAs(type: Type, value: AttributeValue | number): Read | undefined {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'version': {
      const match = typeof value === 'string' ? /^(\d+(?:\.\d+)*)(?:-([0-9a-z]+))?$/.exec(value) : null;
      return match === null
        ? undefined
        : { parts: (match[1] ?? '').split('.').map(Number), preRelease: match[2] ?? '' };
    }
    case 'date': {
      const time = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
      return Number.isNaN(time) ? undefined : time;
    }
    case 'duration':
      return typeof value === 'string' ? milliseconds(value) : typeof value === 'number' ? value : undefined;
    default:
      return undefined;
  }
}

function milliseconds(text: string): number {
  const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  return [...text.matchAll(/(\d+)([a-z]+)/g)].reduce((sum, [, amount, unit]) => {
    return sum + Number(amount) * (units[unit ?? ''] ?? Number.NaN);
  }, 0);
}

function compare({ operator, literals }: Condition, type: Type, value: Read): boolean {
  const orders = literals.map(({ text }) => orderOf(value, literalAs(type, text)));
  const [order = Number.NaN] = orders;
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case 'IN':
      return orders.includes(0);
    case 'NOT IN':
      return !orders.includes(0);
    default:
      throw new Error(`${operator} does not compare`);
  }
}

function literalAs(type: Type, text: string): Read {
  const value = type === 'boolean' ? text === 'true' : type === 'number' ? Number(text) : text;
  const read = readAs(type, value);
  if (read === undefined) throw new Error(`${text} is no ${type}`);
  return read;
}

function orderOf(one: Read, other: Read): number {
  if (typeof one === 'object' && typeof other === 'object') return versionOrder(one, other);
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Missing parts are 0, a pre-release sorts before its release. */
function versionOrder(one: VersionRead, other: VersionRead): number {
  for (let index = 0; index < Math.max(one.parts.length, other.parts.length); index++) {
    const difference = (one.parts[index] ?? 0) - (other.parts[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (one.preRelease === other.preRelease) return 0;
  if (one.preRelease === '') return 1;
  return other.preRelease === '' || one.preRelease < other.preRelease ? -1 : 1;
}

/** Every time at which the condition may become something else by time alone; some of them change nothing. */
export function turningPoints(
  { attribute, definition, literals }: Condition,
  subject: PostureSubject,
  maxAge: number,
): number[] {
  const times = subject.agents
    .flatMap(({ observedAt, lastSeenAt }) => [Date.parse(observedAt), Date.parse(lastSeenAt ?? observedAt)])
    .filter(Number.isFinite);
  if (definition.origin === 'agent') return times.map((time) => time + maxAge + 1);
  if (attribute !== 'stance:lastSeenAge') return [];
  return times.flatMap((time) =>
    literals.map(({ text }) => time + milliseconds(text)).flatMap((limit) => [limit, limit + 1]),
  );
}
