import type {
  AgentMatched,
  DataOf,
  DecisionChanged,
  DeviceRecorded,
  Effect,
  EngineStatus,
  EventOf,
  PolicyActivated,
  SourceReported,
} from '@stance/contracts';
import { sessionRecords, type SessionEvents, type SessionRecord } from './sessions.js';

/** A durable consumer that a service reads a stream by. */
export interface ConsumerLag {
  readonly stream: string;
  readonly durable: string;
  /** Messages not delivered yet. */
  readonly pending: number;
  /** Messages delivered and not settled yet. */
  readonly inFlight: number;
}

export interface StatusReport {
  readonly server: { readonly url: string; readonly version: string };
  readonly simulated: boolean;
  readonly sources: readonly DataOf<typeof SourceReported>[];
  readonly devices: {
    readonly enrolled: number;
    readonly matched: number;
    readonly unmatched: number;
    readonly quarantined: number;
    readonly retired: number;
  };
  readonly agents: { readonly matched: number; readonly unmatched: number; readonly quarantined: number };
  /** Pairs of device and resource, over all gateways. */
  readonly decisions: Readonly<Record<Effect, number>>;
  readonly sessions: Readonly<Record<SessionRecord['state'], number>>;
  /** The policy in force, one in report mode beside it, and the last one if the engine refused it. */
  readonly policy: {
    readonly activeRevision: number | null;
    readonly reportingRevision: number | null;
    readonly refusedRevision: number | null;
  };
  /** What the engine says of itself; null where it does not answer. */
  readonly engine: EngineStatus | null;
  readonly deadLetters: number;
  /** Null where this user may not look at the trail. */
  readonly auditRecords: number | null;
  readonly consumers: readonly ConsumerLag[];
}

export interface StatusTables extends SessionEvents {
  readonly devices: readonly EventOf<typeof DeviceRecorded>[];
  readonly matches: readonly EventOf<typeof AgentMatched>[];
  readonly decisions: readonly EventOf<typeof DecisionChanged>[];
  readonly activations: readonly EventOf<typeof PolicyActivated>[];
}

/** The counts of a status report; `now` in milliseconds since the epoch. */
export function countTables(
  tables: StatusTables,
  now: number,
): Pick<StatusReport, 'devices' | 'agents' | 'decisions' | 'sessions' | 'policy'> {
  const sessions = { open: 0, ended: 0, revoked: 0 };
  for (const { state } of sessionRecords(tables, now)) sessions[state] += 1;
  const decisions = { allow: 0, warn: 0, deny: 0 };
  for (const { data } of tables.decisions) {
    for (const { effect } of Object.values(data.resources)) decisions[effect] += 1;
  }
  return { ...countMatches(tables), decisions, sessions, policy: policyInForce(tables.activations) };
}

function countMatches({ devices, matches }: StatusTables): Pick<StatusReport, 'devices' | 'agents'> {
  const agents = { matched: 0, unmatched: 0, quarantined: 0 };
  const matched = new Set<string | null>();
  const quarantined = new Set<string>();
  for (const { data } of matches) {
    if (data.presence !== 'present') continue;
    agents[data.state] += 1;
    if (data.state === 'matched') matched.add(data.device);
    if (data.state === 'quarantined') for (const device of data.candidates ?? []) quarantined.add(device);
  }
  const counts = { enrolled: 0, matched: 0, unmatched: 0, quarantined: 0, retired: 0 };
  for (const { data } of devices) {
    if (data.state === 'retired') {
      counts.retired += 1;
      continue;
    }
    counts.enrolled += 1;
    if (quarantined.has(data.deviceId)) counts.quarantined += 1;
    else if (matched.has(data.deviceId)) counts.matched += 1;
    else counts.unmatched += 1;
  }
  return { devices: counts, agents };
}

function policyInForce(activations: StatusTables['activations']): StatusReport['policy'] {
  const last = activations.at(-1)?.data;
  const lastActive = activations.findLast(({ data }) => data.outcome === 'active')?.data;
  const isActive = ({ data: { outcome, mode } }: EventOf<typeof PolicyActivated>): boolean =>
    outcome === 'active' && mode !== 'report';
  return {
    activeRevision: activations.findLast(isActive)?.data.revision ?? null,
    // One that is put into force ends it.
    reportingRevision: lastActive?.mode === 'report' ? lastActive.revision : null,
    refusedRevision: last?.outcome === 'refused' ? last.revision : null,
  };
}
