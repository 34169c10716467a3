import { isDeepStrictEqual } from 'node:util';
import type { Agent } from '@stance/sentinelone';

/** The ids that stand in several records of a page, as far as they are text. */
export function repeatedIds(records: readonly unknown[]): ReadonlySet<unknown> {
  const ids = new Set<unknown>();
  const repeated = new Set<unknown>();
  for (const record of records) {
    const id = typeof record === 'object' && record !== null && 'id' in record ? record.id : undefined;
    if (ids.has(id)) repeated.add(id);
    else ids.add(id);
  }
  return repeated;
}

/** The agents of some records, in their order, by id: each with all of its records that differ. */
export function recordsById(agents: readonly Agent[]): ReadonlyMap<string, readonly Agent[]> {
  const records = new Map<string, Agent[]>();
  for (const agent of agents) {
    const others = records.get(agent.agentId);
    if (others === undefined) records.set(agent.agentId, [agent]);
    else if (!others.some((other) => isDeepStrictEqual(other, agent))) others.push(agent);
  }
  return records;
}

/**
 * What two records of one agent id both say: which of them is the agent nobody can tell, so that what they differ in is
 * unknown. Of times the later one counts, and gone it is only when both say so. Pure.
 */
export function inCommon(one: Agent, other: Agent): Agent {
  const { agentId } = one;
  const { presence, goneReason } = one.presence === 'gone' ? other : one;
  const user = one.user === other.user ? one.user : undefined;
  const registeredAt = one.registeredAt === other.registeredAt ? one.registeredAt : undefined;
  const reportedAt = laterOf(one.reportedAt, other.reportedAt);
  const lastSeenAt = laterOf(one.lastSeenAt, other.lastSeenAt);
  return {
    agentId,
    presence,
    ...(goneReason !== undefined && { goneReason }),
    hardware: shared(one.hardware, other.hardware),
    ...(user !== undefined && { user }),
    attributes: shared(one.attributes, other.attributes),
    ...(reportedAt !== undefined && { reportedAt }),
    ...(lastSeenAt !== undefined && { lastSeenAt }),
    ...(registeredAt !== undefined && { registeredAt }),
    unreadable: [...new Set([...one.unreadable, ...other.unreadable])],
  };
}

/** The fields that are the same in both. */
function shared<Fields extends object>(one: Fields, other: Fields): Fields {
  const left = { ...one };
  for (const name of keysOf(left)) if (!isDeepStrictEqual(left[name], other[name])) delete left[name];
  return left;
}

function keysOf<Fields extends object>(fields: Fields): (keyof Fields)[] {
  return Object.keys(fields).filter((name): name is keyof Fields & string => name in fields);
}

/** Of two times in the same form, either of which may be missing. */
export function laterOf(time: string | undefined, other: string | undefined): string | undefined {
  return time === undefined || (other !== undefined && other > time) ? other : time;
}
