import { randomUUID } from 'node:crypto';
import { UnusableId, type AgentObserved } from '@stance/contracts';
import { EventTooLarge, newTraceparent, type FactTable } from '@stance/jetstream';
import { type AgentsPage, readAgent, type SentinelOneClient } from '@stance/sentinelone';
import type { Logger } from '@stance/service-kit';
import type { CheckpointStore, Checkpoint } from './checkpoint.store.js';
import {
  goneObservation,
  isNews,
  knownAgentOf,
  observationOf,
  type KnownAgent,
  type Observation,
} from './observation.js';
import type { SourceReporter } from './source-reporter.js';
import { retirementAfter } from './sweep.js';

export interface PollerOptions {
  readonly source: string;
  readonly pollIntervalMs: number;
  readonly sweepIntervalMs: number;
  readonly freshnessStepMs: number;
  /** Share of the fleet that one sweep may retire. */
  readonly retirementLimit: number;
}

/** A sweep that would retire more agents than believable; nobody is retired. */
export class SweepNotBelieved extends Error {
  override readonly name = 'SweepNotBelieved';
}

/** A sweep that met unreadable records: who is absent cannot be known. */
export class SweepIncomplete extends Error {
  override readonly name = 'SweepIncomplete';
}

/**
 * Reads one console: the changes since the last time at every poll, and everything at every sweep. The two run beside each
 * other, so that a long sweep delays no change; an answer that was overtaken by a newer one is recognised by its times.
 */
export class Poller {
  private checkpoint: Checkpoint | undefined;

  constructor(
    private readonly client: SentinelOneClient,
    private readonly agents: FactTable<typeof AgentObserved, KnownAgent>,
    private readonly checkpoints: CheckpointStore,
    private readonly reporter: SourceReporter,
    private readonly options: PollerOptions,
    private readonly logger: Logger,
    private readonly now: () => number = Date.now,
  ) {}

  /** Where the last poller of the source stopped; without one, the newest change as of now, and a sweep for the rest. */
  async resume(signal: AbortSignal): Promise<void> {
    this.checkpoint ??= await this.checkpoints.load();
    if (this.checkpoint !== undefined) return;
    const newest = await this.client.agentsPage({ limit: 1, sortBy: 'updatedAt', sortOrder: 'desc' }, { signal });
    const reading = newest.agents[0] === undefined ? undefined : readAgent(newest.agents[0]);
    const updatedAt = reading?.ok ? reading.agent.reportedAt : undefined;
    // An empty console, or one whose newest record is unreadable: every change from the beginning counts.
    this.checkpoint = { updatedAt: updatedAt ?? new Date(0).toISOString() };
  }

  /** Milliseconds until the next sweep is due. */
  sweepDueIn(): number {
    const completedAt = this.checkpoint?.sweepCompletedAt;
    return completedAt === undefined ? 0 : Date.parse(completedAt) + this.options.sweepIntervalMs - this.now();
  }

  /** Reads what changed since the checkpoint, publishes it, then moves the checkpoint. */
  async poll(signal: AbortSignal): Promise<void> {
    const since = this.checkpoint?.updatedAt ?? new Date(0).toISOString();
    let newest = since;
    const listing = { sortBy: 'updatedAt', sortOrder: 'asc', filters: { updatedAt__gte: since } } as const;
    for await (const page of this.client.agentPages(listing, { signal })) {
      const { reportedAt } = await this.publish(page);
      if (reportedAt !== undefined && reportedAt > newest) newest = reportedAt;
    }
    if (newest !== since) await this.moveCheckpoint({ updatedAt: newest });
  }

  /** Reads everything; what a complete sweep does not show is gone. */
  async sweep(signal: AbortSignal): Promise<void> {
    const startedAt = new Date(this.now()).toISOString();
    const seen = new Set<string>();
    let unreadable = 0;
    this.reporter.sweepStarted(startedAt);
    for await (const page of this.client.agentPages({ sortBy: 'id' }, { signal })) {
      const result = await this.publish(page);
      for (const agentId of result.agentIds) seen.add(agentId);
      unreadable += result.unreadable;
      this.reporter.sweepPage(seen.size, page.totalItems);
    }
    if (unreadable > 0) {
      throw new SweepIncomplete(`${unreadable} records cannot be read: nobody is taken for gone until they can`);
    }
    await this.retireAbsent(seen, startedAt);
    const completedAt = new Date(this.now()).toISOString();
    await this.moveCheckpoint({ sweepCompletedAt: completedAt });
    this.reporter.sweepCompleted(completedAt);
  }

  private async retireAbsent(seen: ReadonlySet<string>, startedAt: string): Promise<void> {
    const retirement = retirementAfter(this.agents.values(), seen, startedAt, this.options.retirementLimit);
    if (!retirement.allowed) {
      throw new SweepNotBelieved(
        `the console shows ${retirement.absent.length} agents less than before, more than the ${retirement.limit} that one ` +
          'sweep may retire: nobody is retired. Check the scope of the token and the console',
      );
    }
    const now = this.now();
    await Promise.all(retirement.absent.map((known) => this.write(goneObservation(this.options.source, known, now))));
  }

  private async publish({
    agents,
    receivedAt,
  }: AgentsPage): Promise<{ agentIds: string[]; reportedAt: string | undefined; unreadable: number }> {
    const agentIds: string[] = [];
    const writes: Promise<void>[] = [];
    let newest: string | undefined;
    let unreadable = 0;
    for (const record of agents) {
      const reading = readAgent(record);
      if (!reading.ok) {
        unreadable += 1;
        this.logger.warn({ problem: reading.problem }, 'an agent record cannot be read');
        continue;
      }
      const observation = observationOf(this.options.source, reading.agent, receivedAt);
      agentIds.push(observation.agentId);
      if (observation.reportedAt !== undefined && (newest === undefined || observation.reportedAt > newest)) {
        newest = observation.reportedAt;
      }
      const candidate = knownAgentOf(observation);
      if (isNews(candidate, this.agents.get(observation), this.options.freshnessStepMs)) {
        writes.push(this.tell(observation, candidate));
      }
    }
    await Promise.all(writes);
    return { agentIds, reportedAt: newest, unreadable };
  }

  /** What no event can hold keeps its last observation, and keeps nobody else's back. */
  private async tell(observation: Observation, candidate: KnownAgent): Promise<void> {
    try {
      await this.write(observation, candidate);
    } catch (error) {
      if (!(error instanceof EventTooLarge || error instanceof UnusableId)) throw error;
      this.logger.error({ agentId: observation.agentId, err: error }, 'an agent record does not fit into an event');
    }
  }

  private async write(observation: Observation, candidate = knownAgentOf(observation)): Promise<void> {
    const cause = { txn: randomUUID(), traceparent: newTraceparent(), observedat: observation.observedAt };
    const sequence = await this.agents.write(observation, { input: 'console', cause }, (known) => {
      if (!isNews(candidate, known, this.options.freshnessStepMs)) return undefined;
      return { data: observation, value: candidate, retires: observation.presence === 'gone' };
    });
    if (sequence !== undefined) this.reporter.published();
  }

  private async moveCheckpoint(change: Partial<Checkpoint>): Promise<void> {
    const { checkpoint } = this;
    if (checkpoint === undefined) return;
    const moved = { ...checkpoint, ...change };
    this.checkpoint = moved;
    await this.checkpoints.save(moved);
  }
}
