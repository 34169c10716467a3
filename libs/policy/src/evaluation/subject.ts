import type { AttributeValue, DataOf, PostureChanged } from '@stance/contracts';
import { timeOf } from './timestamp.js';

/** What is decided about: the posture of a device, as the posture store publishes it. */
export type PostureSubject = Pick<
  DataOf<typeof PostureChanged>,
  'deviceId' | 'device' | 'agents' | 'attributes' | 'problems'
>;

export type SubjectAgent = PostureSubject['agents'][number];

/**
 * A posture as the conditions of one policy ask for it: its times read, its values in the places that the conditions know.
 * Made once, it serves all gateways and moments.
 */
export interface PreparedSubject {
  readonly subject: PostureSubject;
  /** By agent: when its values were last known to be true; -Infinity where its times cannot be read. */
  readonly confirmedAt: readonly number[];
  /** When the agent that has been silent longest was last in contact; undefined without agents or without that time. */
  readonly lastSeenAt: number | undefined;
  /** The agents of the device disagree on some attribute, which then has no value. */
  readonly conflicting: boolean;
  /** Of the agents' attributes that the policy asks for; undefined for one that has no value. */
  readonly values: readonly (AttributeValue | undefined)[];
  /** Index of the agent that each of them is from. */
  readonly agents: readonly number[];
}

const NO_AGENT = -1;

/** Reads a posture for a policy whose conditions ask for these attributes of agents. */
export function prepareSubject(attributes: readonly string[], subject: PostureSubject): PreparedSubject {
  const agentsConfirmedAt = subject.agents.map(confirmedAt);
  const readings = attributes.map((name) => subject.attributes[name]);
  return {
    subject,
    confirmedAt: agentsConfirmedAt,
    lastSeenAt: longestSilent(subject.agents, agentsConfirmedAt),
    conflicting: subject.problems.includes('conflict'),
    values: readings.map((reading) => reading?.value),
    agents: readings.map((reading) => reading?.agent ?? NO_AGENT),
  };
}

/** The earlier of when the value was read and when the agent was last in contact. */
function confirmedAt({ observedAt, lastSeenAt }: SubjectAgent): number {
  const observed = timeOrNever(observedAt);
  return lastSeenAt === undefined || lastSeenAt === observedAt ? observed : Math.min(observed, timeOrNever(lastSeenAt));
}

function longestSilent(agents: readonly SubjectAgent[], confirmed: readonly number[]): number | undefined {
  if (agents.length === 0 || agents.some(({ lastSeenAt }) => lastSeenAt === undefined)) return undefined;
  const earliest = Math.min(...confirmed);
  return Number.isFinite(earliest) ? earliest : undefined;
}

/** A time that cannot be read is as old as can be: it confirms nothing. */
function timeOrNever(text: string): number {
  const time = timeOf(text);
  return Number.isNaN(time) ? -Infinity : time;
}
