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
import { absenceDigest, approvedAbsences, type SweepApproval } from '../sweep-approval.js';
import { SweepIncomplete, SweepRefused } from '../sweep.errors.js';
import { readById, type AgentsShown } from './agents-by-id.js';
import type { Lane } from './lane.js';

/** Agents looked up in one go. */
const AGENTS_PER_TURN = 2_000;
/** Absent agents named in the report of a refused sweep. */
const EXAMPLES = 10;

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
    const { sweepCompletedAt, sweepReadAt, refusedSweep } = this.position.current;
    const last = refusedSweep === undefined ? sweepCompletedAt : (sweepReadAt ?? refusedSweep.startedAt);
    if (last === undefined || this.approved() !== undefined) return 0;
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
  async read(signal: AbortSignal): Promise<boolean> {
    const startedAt = new Date(this.now()).toISOString();
    this.reporter.sweepStarted(startedAt);
    try {
      const marked = await this.mark(signal);
      await this.position.moveLazily({ sweepReadAt: new Date(this.now()).toISOString() });
      requireReadable(marked.unreadable);
      await this.retireAbsent(marked, startedAt, signal);
    } finally {
      this.reporter.sweepEnded();
    }
    const sweepCompletedAt = new Date(this.now()).toISOString();
    await this.position.move({ sweepCompletedAt, refusedSweep: undefined });
    this.reporter.sweepCompleted(sweepCompletedAt);
    return true;
  }

  private async mark(signal: AbortSignal): Promise<Marked> {
    const seen = new Set<string>();
    let [unreadable, askedAt] = [0, Infinity];
    let stored: Promise<void> = Promise.resolve();
    for await (const page of this.client.agentPages({ sortBy: 'id', patient: true }, { signal })) {
      askedAt = Math.min(askedAt, page.askedAt);
      const observed = await this.observer.observe(page);
      // One page is being stored while the next is gone through, and no more.
      await stored;
      ({ stored } = observed);
      for (const agentId of observed.agentIds) seen.add(agentId);
      unreadable += observed.unreadable;
      await this.reporter.sweepPage(seen.size, page.totalItems);
    }
    await stored;
    return { seen, unreadable, askedAt };
  }

  private async retireAbsent({ seen, askedAt }: Marked, startedAt: string, signal: AbortSignal): Promise<void> {
    const present = this.options.present();
    const missing = await this.notShownSince(askedAt, seen);
    const lookUps = await this.lookUp(missing, signal);
    const absent = lookUps.flatMap((lookUp) => lookUp.absent);
    const isEmpty = seen.size === 0 && absent.length === missing.length;
    const digest = absenceDigest(absent);
    const isApproved = digest === this.approved();
    const found = { present, absent: absent.length, isEmpty };
    const { allowed, limit } = retirementOf(found, this.options.retirementLimit, isApproved);
    if (!allowed) {
      await this.refuse({
        startedAt,
        absent: absent.length,
        present,
        limit,
        examples: absent.slice(0, EXAMPLES),
        digest,
      });
    }
    for (const lookUp of lookUps) {
      await Promise.all(lookUp.absent.map((agentId) => this.observer.retire(agentId, lookUp, this.now())));
    }
  }

  /**
   * Known as present, and in no answer that was received since the sweep was begun at `askedAt`, monotonic milliseconds.
   * That does not make them absent: a page may have been lost, or rows have moved between two.
   */
  private async notShownSince(askedAt: number, seen: ReadonlySet<string>): Promise<string[]> {
    const missing: string[] = [];
    let looked = 0;
    for (const { agentId } of this.agents.keys()) {
      looked += 1;
      if (looked % AGENTS_PER_TURN === 0) await nextTurn();
      if (seen.has(agentId)) continue;
      const known = this.agents.get({ source: this.options.source, agentId });
      if (known !== undefined && known.isPresent && known.answeredAt < askedAt) missing.push(agentId);
    }
    return missing;
  }

  /** Asks for the missing by their ids: only who is not shown even so is absent. */
  private async lookUp(missing: readonly string[], signal: AbortSignal): Promise<AgentsShown[]> {
    const { client, observer } = this;
    const lookUps: AgentsShown[] = [];
    for await (const lookUp of readById(missing, { client, observer, signal, patient: true })) lookUps.push(lookUp);
    requireReadable(lookUps.reduce((sum, { unreadable }) => sum + unreadable, 0));
    return lookUps;
  }

  private async refuse(found: RefusedSweep): Promise<never> {
    const waiting = this.position.current.refusedSweep;
    // The same agents are missing as before: what a person was shown still waits, and may be approved of.
    const refusedSweep = { ...found, ...(waiting?.digest === found.digest && { startedAt: waiting.startedAt }) };
    await this.position.move({ refusedSweep });
    this.reporter.sweepRefused(refusedSweep);
    throw new SweepRefused(this.options.source, refusedSweep);
  }

  /** The digest of the agents that a person has said are gone. */
  private approved(): string | undefined {
    return approvedAbsences(this.options.approval(), this.position.current.refusedSweep, this.now());
  }
}

/** What a sweep went through. */
interface Marked {
  readonly seen: ReadonlySet<string>;
  /** Records that name no agent. */
  readonly unreadable: number;
  /** When it was begun, in monotonic milliseconds. */
  readonly askedAt: number;
}

function requireReadable(unreadable: number): void {
  if (unreadable === 0) return;
  throw new SweepIncomplete(`${unreadable} records cannot be read: nobody is taken for gone until they can`);
}
