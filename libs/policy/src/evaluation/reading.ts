import type { AttributeValue } from '@stance/contracts';
import type { AttributeDefinition } from '../attributes/definition.js';
import { stanceAttributes } from '../attributes/own.js';
import type { Facts } from './facts.js';
import type { PostureSubject, SubjectAgent } from './subject.js';

/** The value of an attribute of a device, and the agent that it comes from. */
export interface Reading {
  readonly value: AttributeValue;
  /** Index of the agent; undefined for what no agent reported. */
  readonly agent: number | undefined;
}

export type Reader = (facts: Facts) => Reading | undefined;

/** The way to the value of an attribute, worked out once per condition. */
export function readerOf(name: string, origin: AttributeDefinition['origin']): Reader {
  if (origin === 'agent') return ({ subject }) => subject.attributes[name];
  if (origin === 'inventory') {
    const field = DEVICE_FIELDS[name] ?? noValue;
    return ({ subject }) => {
      const value = field(subject.device);
      return value === undefined ? undefined : { value, agent: undefined };
    };
  }
  return STANCE_READERS[name] ?? (() => undefined);
}

const noValue = (): undefined => undefined;

const DEVICE_FIELDS: Readonly<Record<string, (device: PostureSubject['device']) => AttributeValue | undefined>> = {
  'device:owner': (device) => device.owner,
  'device:groups': (device) => device.groups,
  'device:tags': (device) => device.tags,
  'device:network': (device) => device.network,
  'device:os': (device) => device.os,
};

const STANCE_READERS: Readonly<Record<string, Reader>> = {
  'stance:agents': ({ subject }) => ({ value: subject.agents.length, agent: undefined }),
  'stance:matchedBy': ({ subject }) => weakestMatch(subject.agents),
  'stance:lastSeenAge': lastSeenAge,
};

const BEST_TO_WORST = stanceAttributes['stance:matchedBy']?.values ?? [];

function weakestMatch(agents: readonly SubjectAgent[]): Reading | undefined {
  let weakest: Reading | undefined;
  let rank = -1;
  for (const [agent, { by }] of agents.entries()) {
    if (by === undefined) return undefined;
    if (BEST_TO_WORST.indexOf(by) <= rank) continue;
    rank = BEST_TO_WORST.indexOf(by);
    weakest = { value: by, agent };
  }
  return weakest;
}

/** In milliseconds; 0 for a time that is still to come. */
function lastSeenAge({ prepared: { lastSeenAt, confirmedAt }, now }: Facts): Reading | undefined {
  if (lastSeenAt === undefined) return undefined;
  return { value: Math.max(0, now - lastSeenAt), agent: confirmedAt.indexOf(lastSeenAt) };
}
