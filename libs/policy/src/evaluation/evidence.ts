import type { AttributeValue } from '@stance/contracts';
import type { CompiledCondition } from './compile-policy.js';
import type { Facts } from './facts.js';

/** What a condition was decided on, and who said so when. */
export interface Evidence {
  readonly actual?: AttributeValue;
  readonly source?: string;
  readonly agentId?: string;
  readonly reportedAt?: string;
  readonly observedAt?: string;
  /** Milliseconds since the epoch; undefined for what no agent reported. */
  readonly confirmedAt: number | undefined;
}

/**
 * Evidence that time alone does not change: an age that grows is told as the time that it counts from, so that the same
 * decision keeps the same reasons.
 */
export function evidenceOf({ condition, read }: CompiledCondition, facts: Facts): Evidence {
  const { definition } = condition;
  const reading = read(facts);
  if (reading === undefined) return { confirmedAt: undefined };
  const growing = definition.origin === 'stance' && definition.type === 'duration';
  const actual =
    growing && facts.prepared.lastSeenAt !== undefined
      ? new Date(facts.prepared.lastSeenAt).toISOString()
      : reading.value;
  const agent = reading.agent === undefined ? undefined : facts.subject.agents[reading.agent];
  if (reading.agent === undefined || agent === undefined) return { actual, confirmedAt: undefined };
  const { source, agentId, reportedAt, observedAt } = agent;
  const confirmedAt = facts.prepared.confirmedAt[reading.agent];
  return reportedAt === undefined
    ? { actual, source, agentId, observedAt, confirmedAt }
    : { actual, source, agentId, reportedAt, observedAt, confirmedAt };
}
