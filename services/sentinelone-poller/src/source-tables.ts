import type { NatsConnection } from '@nats-io/transport-node';
import { AgentObserved, OperatorActed, SourceReported } from '@stance/contracts';
import { FactTable, type EventPublisher } from '@stance/jetstream';
import { knownAgentOf, type KnownAgent } from './known-agent.js';
import type { SourceReport } from './source-health.js';
import { sweepApprovalOf, type SweepApproval } from './sweep-approval.js';

/** What is stored of a source, in memory. `approved`: called when a person's word on a refused sweep has been stored. */
export function sourceTables(
  connection: NatsConnection,
  publisher: EventPublisher,
  source: string,
  approved: () => void,
) {
  let present = 0;
  const isPresent = (agent: KnownAgent | undefined) => Number(agent?.isPresent ?? false);
  const agents = new FactTable<typeof AgentObserved, KnownAgent>(connection, publisher, AgentObserved, {
    // True then or earlier: what was asked for before is not certainly a later word.
    keep: ({ data }) => knownAgentOf(data, performance.now()),
    only: { source },
    onChange: (_keys, now, before) => {
      present += isPresent(now) - isPresent(before);
    },
  });
  const reports = new FactTable<typeof SourceReported, SourceReport>(connection, publisher, SourceReported, {
    keep: ({ data }) => data,
    only: { source },
  });
  const kind = 'sweep-approved';
  const approvals = new FactTable<typeof OperatorActed, SweepApproval>(connection, publisher, OperatorActed, {
    keep: sweepApprovalOf,
    only: { kind, targetId: source },
    onChange: approved,
  });
  return {
    agents,
    reports,
    approvals,
    /** Agents present. */
    present: () => present,
    approval: () => approvals.get({ kind, targetId: source }),
  };
}
