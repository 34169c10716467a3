import type { NatsConnection } from '@nats-io/transport-node';
import type { AgentObserved, SourceReported } from '@stance/contracts';
import type { FactTable } from '@stance/jetstream';
import type { SentinelOneClient } from '@stance/sentinelone';
import type { Logger } from '@stance/service-kit';
import { AgentObserver } from './agent-observer.js';
import { unswept } from './checkpoint.js';
import { CheckpointStore } from './checkpoint.store.js';
import type { KnownAgent } from './known-agent.js';
import { takeUp } from './lanes/beginning.js';
import { ChangesLane } from './lanes/changes.js';
import { NoticedAgentsLane } from './lanes/noticed-agents.js';
import { removalNotices, threatNotices } from './lanes/notices.js';
import { ReturningLane } from './lanes/returning.js';
import { SweepLane } from './lanes/sweep.js';
import type { Outlived } from './outlived.js';
import { Polling } from './polling.js';
import { Position } from './position.js';
import type { SourceReport } from './source-health.js';
import { SourceReporter } from './source-reporter.js';
import type { SweepApproval } from './sweep-approval.js';

/** One console, and what is needed to poll it. */
export interface Source {
  /** Its name. */
  readonly source: string;
  readonly url: string;
  readonly pollIntervalMs: number;
  readonly sweepIntervalMs: number;
  readonly freshnessStepMs: number;
  /** Share of the fleet that one sweep may retire without a person's word. */
  readonly retirementLimit: number;
  readonly token: () => string;
  readonly client: SentinelOneClient;
  readonly connection: NatsConnection;
  readonly agents: FactTable<typeof AgentObserved, KnownAgent>;
  readonly reports: FactTable<typeof SourceReported, SourceReport>;
  /** Agents present. */
  readonly present: () => number;
  readonly approval: () => SweepApproval | undefined;
  readonly outlived: (error: Outlived) => void;
  readonly logger: Logger;
  /** Milliseconds between the two readings of an agent that the console has noticed something about. Default 1 s. */
  readonly secondReadingAfterMs?: number;
  /** Milliseconds since the epoch. Default the system's clock. */
  readonly now?: () => number;
}

/** So that of many agents, noticed one after the other, the second readings come together. */
const SECOND_READING_AFTER_MS = 1_000;

/** Contacts are not asked for more often than this, in milliseconds, however short the poll interval is. */
const LEAST_CONTACT_INTERVAL_MS = 1_000;

/** The lanes of a source and all that they share. */
export function composeSource(source: Source) {
  const { client, agents, present, logger, pollIntervalMs, now = Date.now } = source;
  const facts = { agents: present, scope: () => client.scope };
  const reporter = new SourceReporter(source.reports, source, facts, logger, now);
  const position = new Position(new CheckpointStore(source.connection, source.source));
  const published = () => reporter.published();
  const observer = new AgentObserver(source.source, agents, source.freshnessStepMs, published, logger);
  const noticed = (name: 'threats' | 'removals', list: ReturnType<typeof threatNotices>) =>
    new NoticedAgentsLane(name, list, client, observer, position, {
      intervalMs: pollIntervalMs,
      secondReadingAfterMs: source.secondReadingAfterMs ?? SECOND_READING_AFTER_MS,
    });
  const changes = new ChangesLane(client, observer, position, pollIntervalMs);
  const contactIntervalMs = Math.max(pollIntervalMs, LEAST_CONTACT_INTERVAL_MS);
  const lanes = {
    changes,
    threats: noticed('threats', threatNotices(client, logger)),
    removals: noticed('removals', removalNotices(client, logger)),
    returning: new ReturningLane(client, observer, position, contactIntervalMs, () => changes.afterReading()),
    sweep: new SweepLane(client, agents, observer, position, reporter, source, now),
  };
  const begin = async (signal: AbortSignal) => {
    const isAsked = await takeUp(position, client, signal);
    // The agents that earlier sweeps showed are kept no more, as after their stream was made anew: they are read at once.
    if (agents.size === 0) position.begin(unswept(position.current));
    const refused = position.current.refusedSweep;
    if (refused !== undefined) reporter.sweepRefused(refused);
    return isAsked;
  };
  const standing = () => [lanes.sweep.refusal ?? [], observer.problems].flat();
  const polling = new Polling(begin, Object.values(lanes), reporter, { ...source, standing }, logger);
  return { reporter, polling, lanes, position, observer, begin };
}
