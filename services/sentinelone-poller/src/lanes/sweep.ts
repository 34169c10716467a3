import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AgentObserved } from '@stance/contracts';
import type { FactTable } from '@stance/jetstream';
import type { SentinelOneClient } from '@stance/sentinelone';
import type { AgentObserver } from '../agent-observer.js';
import type { RefusedSweep } from '../checkpoint.js';
import type { KnownAgent } from '../known-agent.js';
import type { Position } from '../position.js';
import { retirementOf } from '../retirement.js';
import type { SourceReporter } from '../source-reporter.js';
import { approvedAbsences, type SweepApproval } from '../sweep-approval.js';
import type { Lane } from './lane.js';

/** Agents looked up in one go. */
const AGENTS_PER_TURN = 2_000;
/** Absent agents named in the report of a refused sweep. */
const EXAMPLES = 10;

/** A sweep that would retire more agents than is believed; nobody is retired until a person approves of it. */
export class SweepRefused extends Error {
  override readonly name = 'SweepRefused';

  constructor(source: string, { absent, present, limit }: RefusedSweep) {
    super(
      `the console shows ${absent} of ${present} agents no more, and one sweep may retire ${limit}: nobody is retired. ` +
        `Check the console and the scope of the token; if they are really gone: stance sources approve ${source}`,
    );
  }
}

/** A sweep that met unreadable records: who is absent cannot be known. */
export class SweepIncomplete extends Error {
  override readonly name = 'SweepIncomplete';
}

export interface SweepOptions {
  readonly source: string;
  readonly sweepIntervalMs: number;
  /** Share of the fleet that one sweep may retire without a person's word. */
  readonly retirementLimit: number;
  /** What a person has approved of last. */
  readonly approval: () => SweepApproval | undefined;
  /** Agents present. */
  readonly present: () => number;
}

/** Reads everything, for what the console changed without saying, and for disappearances: mark and sweep. */
export class SweepLane implements Lane {
  readonly name = 'sweep';

  constructor(
    private readonly client: SentinelOneClient,
    private readonly agents: FactTable<typeof AgentObserved, KnownAgent>,
    private readonly observer: AgentObserver,
    private readonly position: Position,
    private readonly reporter: SourceReporter,
    private readonly options: SweepOptions,
    private readonly now: () => number = Date.now,
  ) {}

  /** At once when a person has approved of the refused one. */
  dueInMs(): number {
    const { sweepCompletedAt, refusedSweep } = this.position.current;
    const last = refusedSweep?.startedAt ?? sweepCompletedAt;
    if (last === undefined || this.approved() > 0) return 0;
    const { sweepIntervalMs } = this.options;
    // Our own clock may have been set back since.
    return Math.min(sweepIntervalMs, Date.parse(last) + sweepIntervalMs - this.now());
  }

  /** The refusal that waits for a person, also after a restart. */
  get refusal(): SweepRefused | undefined {
    const refused = this.position.known?.refusedSweep;
    return refused && new SweepRefused(this.options.source, refused);
  }

  /** Throws {@link SweepRefused} or {@link SweepIncomplete}; only a complete sweep that is believed retires anybody. */
  async read(signal: AbortSignal): Promise<void> {
    const startedAt = this.now();
    const seen = new Set<string>();
    let unreadable = 0;
    let stored: Promise<void> = Promise.resolve();
    this.reporter.sweepStarted(new Date(startedAt).toISOString());
    try {
      for await (const page of this.client.agentPages({ sortBy: 'id', patient: true }, { signal })) {
        const observed = await this.observer.observe(page);
        // One page is being stored while the next is gone through, and no more.
        await stored;
        ({ stored } = observed);
        for (const agentId of observed.agentIds) seen.add(agentId);
        unreadable += observed.unreadable;
        await this.reporter.sweepPage(seen.size, page.totalItems);
      }
      await stored;
      if (unreadable > 0) {
        throw new SweepIncomplete(`${unreadable} records cannot be read: nobody is taken for gone until they can`);
      }
      await this.retireAbsent(seen, startedAt);
    } finally {
      this.reporter.sweepEnded();
    }
    const sweepCompletedAt = new Date(this.now()).toISOString();
    await this.position.move({ sweepCompletedAt, refusedSweep: undefined });
    this.reporter.sweepCompleted(sweepCompletedAt);
  }

  private async retireAbsent(seen: ReadonlySet<string>, startedAt: number): Promise<void> {
    const present = this.options.present();
    const absent = await this.absentSince(seen, startedAt);
    const found = { present, absent: absent.length, isEmpty: seen.size === 0 };
    const { allowed, limit } = retirementOf(found, this.options.retirementLimit, this.approved());
    if (!allowed) await this.refuse(absent, present, limit, startedAt);
    await Promise.all(absent.map((agentId) => this.observer.retire(agentId, startedAt, this.now())));
  }

  /** Known as present, not seen, and not observed since the sweep started: who came by another lane meanwhile is there. */
  private async absentSince(seen: ReadonlySet<string>, startedAt: number): Promise<string[]> {
    const absent: string[] = [];
    let looked = 0;
    for (const { agentId } of this.agents.keys()) {
      looked += 1;
      if (looked % AGENTS_PER_TURN === 0) await nextTurn();
      if (seen.has(agentId)) continue;
      const known = this.agents.get({ source: this.options.source, agentId });
      if (known !== undefined && known.isPresent && known.observedAt < startedAt) absent.push(agentId);
    }
    return absent;
  }

  private async refuse(absent: readonly string[], present: number, limit: number, startedAt: number): Promise<never> {
    const refusedSweep = {
      startedAt: new Date(startedAt).toISOString(),
      absent: absent.length,
      present,
      limit,
      examples: absent.slice(0, EXAMPLES),
    };
    await this.position.move({ refusedSweep });
    this.reporter.sweepRefused(refusedSweep);
    throw new SweepRefused(this.options.source, refusedSweep);
  }

  private approved(): number {
    return approvedAbsences(this.options.approval(), this.position.current.refusedSweep, this.now());
  }
}
