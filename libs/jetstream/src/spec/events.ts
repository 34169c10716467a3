import type { JsMsg } from '@nats-io/jetstream';
import { subjectOf, AgentObserved, type Cause, type DataOf, type EventOf } from '@stance/contracts';

export type Agent = DataOf<typeof AgentObserved>;
export type AgentEvent = EventOf<typeof AgentObserved>;

/** Nothing caused it. */
export const NO_CAUSE: Cause = {};

/** An observed agent, by default `agent-1` of source `s`. */
export function agent(overrides: Partial<Agent> = {}): Agent {
  return {
    source: 's',
    agentId: 'agent-1',
    presence: 'present',
    hardware: {},
    attributes: {},
    observedAt: '2026-11-21T08:00:00Z',
    ...overrides,
  };
}

export function agentSubject(agentId = 'agent-1', source = 's'): string {
  return subjectOf(AgentObserved, { source, agentId });
}

/** What of a delivered message the code under test looks at. */
export function receivedMessage(overrides: Partial<JsMsg>): JsMsg {
  return {
    subject: agentSubject(),
    seq: 1,
    data: Buffer.from(''),
    info: { stream: 'STANCE_AGENTS' },
    ...overrides,
  } as JsMsg;
}
