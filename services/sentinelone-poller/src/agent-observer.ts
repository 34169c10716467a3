import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { UnusableId, type AgentObserved } from '@stance/contracts';
import { EventTooLarge, type FactTable } from '@stance/jetstream';
import { readAgent, type Agent, type AgentsPage, type AnswerSpan } from '@stance/sentinelone';
import type { Logger } from '@stance/service-kit';
import { AgentsDoubled, AgentsOversized, StoredMeanwhile } from './agent-observer.errors.js';
import { AnswerTrace, type Sight } from './answer-trace.js';
import { inCommon, laterOf, recordsById, repeatedIds } from './doubled-records.js';
import { confirm, isLaterWord, isNews, isSameWord, knownAgentOf, type KnownAgent } from './known-agent.js';
import { goneObservation, observationOf, reductionsOf, type Observation } from './observation.js';

/** Records read in one go: while a page of a thousand is gone through, what other lanes read comes in between. */
const RECORDS_PER_TURN = 50;

/** What a page of agents showed. */
export interface PageObserved {
  readonly agentIds: readonly string[];
  /** The latest `reportedAt` and `lastSeenAt` in it. */
  readonly reportedAt: string | undefined;
  readonly lastSeenAt: string | undefined;
  /** Records that name no agent. */
  readonly unreadable: number;
  /** Resolves when everything in it that was news is stored; rejects when something could not be. */
  readonly stored: Promise<void>;
}

/** When an answer was asked for and received, by the monotonic clock, and the span of the request. */
type Answered = Pick<AnswerSpan, 'askedAt' | 'answeredAt' | 'traceparent'>;

/** An answer while what it shows is told. */
interface Telling extends Answered {
  readonly trace: AnswerTrace;
}

/** Tells what is news of a source's agents, whichever lane read it. */
export class AgentObserver {
  /** Agents of whom something is being stored, and how many such writes there are. */
  private readonly writing = new Map<string, number>();
  /** Agents whose last record no event could hold whole. */
  private readonly oversized = new Set<string>();
  /** Agent ids of which several records were shown at once. */
  private readonly doubled = new Set<string>();

  constructor(
    private readonly source: string,
    private readonly agents: Pick<FactTable<typeof AgentObserved, KnownAgent>, 'get' | 'write'>,
    private readonly freshnessStepMs: number,
    private readonly published: () => void,
    private readonly logger: Logger,
  ) {}

  /** What keeps some agents from being told of as they are. */
  get problems(): readonly Error[] {
    return [
      ...(this.oversized.size > 0 ? [new AgentsOversized(this.oversized)] : []),
      ...(this.doubled.size > 0 ? [new AgentsDoubled(this.doubled)] : []),
    ];
  }

  /**
   * Goes through a page; what is news is on its way when this resolves, and stored when `stored` does. `isFiltered`: of an
   * agent that has several records it may show one only.
   */
  async observe({ agents: records, ...page }: AgentsPage, { isFiltered = false } = {}): Promise<PageObserved> {
    const answer: Telling = { ...page, trace: new AnswerTrace(page.traceparent) };
    const observedAt = new Date(page.receivedAt).toISOString();
    const repeated = repeatedIds(records);
    const several: Agent[] = [];
    const agentIds: string[] = [];
    const writes: Promise<void>[] = [];
    let reportedAt: string | undefined;
    let lastSeenAt: string | undefined;
    let unreadable = 0;
    const tell = (agent: Agent) => {
      const write = this.tellNews(agent, observedAt, answer);
      // Its failure is met where the page's writes are awaited; until then it is not an unhandled one.
      write?.catch(() => undefined);
      if (write !== undefined) writes.push(write);
    };
    for (const [index, record] of records.entries()) {
      if (index > 0 && index % RECORDS_PER_TURN === 0) await nextTurn();
      const reading = readAgent(record);
      if (!reading.ok) {
        unreadable += 1;
        this.logger.warn({ problem: reading.problem }, 'an agent record cannot be read');
        continue;
      }
      const { agent } = reading;
      agentIds.push(agent.agentId);
      reportedAt = laterOf(reportedAt, agent.reportedAt);
      lastSeenAt = laterOf(lastSeenAt, agent.lastSeenAt);
      if (repeated.has(agent.agentId)) several.push(agent);
      else if (!this.isOneOfSeveral(agent.agentId, isFiltered)) tell(agent);
    }
    for (const [agentId, shown] of recordsById(several)) {
      this.noteDoubled(agentId, shown);
      tell(shown.reduce(inCommon));
    }
    const stored = Promise.all(writes).then(() => undefined);
    stored.catch(() => undefined);
    return { agentIds, reportedAt, lastSeenAt, unreadable, stored };
  }

  /** Whether a record that is shown alone has others, by which its agent was told of. */
  private isOneOfSeveral(agentId: string, isFiltered: boolean): boolean {
    if (!isFiltered) this.doubled.delete(agentId);
    return this.doubled.has(agentId);
  }

  private noteDoubled(agentId: string, shown: readonly Agent[]): void {
    if (shown.length === 1 || this.doubled.has(agentId)) return;
    this.doubled.add(agentId);
    this.logger.warn(
      { agentId, records: shown.length },
      'an agent id has several records: what they differ in is unknown',
    );
  }

  /** The agent was asked for and not shown: it is gone, unless another answer has shown it since. `now` in milliseconds. */
  async retire(agentId: string, { askedAt, answeredAt, traceparent }: Answered, now: number): Promise<void> {
    const keys = { source: this.source, agentId };
    // Of a whole fleet a sweep may miss many: each goes in a trace of its own.
    const sequence = await new AnswerTrace(traceparent, 0).observe(keys, 'gone', (own) =>
      this.agents.write(keys, originOf(new Date(now).toISOString(), own), (known) => {
        if (known === undefined || !known.isPresent || known.answeredAt > askedAt) return undefined;
        const data = goneObservation(this.source, agentId, known, now);
        return { data, value: knownAgentOf(data, answeredAt), retires: true };
      }),
    );
    if (sequence !== undefined) this.published();
    this.oversized.delete(agentId);
    this.doubled.delete(agentId);
  }

  private tellNews(agent: Agent, observedAt: string, answer: Telling): Promise<void> | undefined {
    const observation = observationOf(this.source, agent, observedAt);
    const candidate = knownAgentOf(observation, answer.answeredAt);
    // What is being stored counts as well, and is known only once it is stored.
    const isSettled = !this.writing.has(agent.agentId);
    if (isSettled && !this.isToTell(candidate, answer, this.agents.get(observation))) return undefined;
    return this.tell(observation, candidate, answer);
  }

  /** Whether it is news. A later word that is none confirms what is known. */
  private isToTell(candidate: KnownAgent, { askedAt }: Answered, known: KnownAgent | undefined): boolean {
    if (!isLaterWord(candidate, askedAt, known)) return false;
    if (isNews(candidate, known, this.freshnessStepMs)) return true;
    if (known !== undefined) confirm(known, candidate);
    return false;
  }

  private async tell(observation: Observation, candidate: KnownAgent, answer: Telling): Promise<void> {
    const { agentId } = observation;
    this.writing.set(agentId, (this.writing.get(agentId) ?? 0) + 1);
    try {
      if (await this.write(observation, candidate, answer)) this.oversized.delete(agentId);
    } catch (error) {
      if (!isUnfit(error)) throw error;
      await this.tellReduced(observation, answer, error);
    } finally {
      const left = (this.writing.get(agentId) ?? 0) - 1;
      if (left > 0) this.writing.set(agentId, left);
      else this.writing.delete(agentId);
    }
  }

  /** As much as an event can hold; an agent whose very id fits into none cannot be told of at all. */
  private async tellReduced(observation: Observation, answer: Telling, cause: Error): Promise<void> {
    this.oversized.add(observation.agentId);
    this.logger.error(
      { agentId: observation.agentId, err: cause },
      'an agent record does not fit into an event: it is observed without its attributes',
    );
    for (const reduced of reductionsOf(observation)) {
      try {
        await this.write(reduced, knownAgentOf(reduced, answer.answeredAt), answer);
        return;
      } catch (error) {
        if (!isUnfit(error)) throw error;
      }
    }
  }

  /** Resolves to whether it was stored. Throws {@link StoredMeanwhile}. */
  private async write(observation: Observation, candidate: KnownAgent, answer: Telling): Promise<boolean> {
    const { agentId } = observation;
    let decidedOn: { readonly known: KnownAgent | undefined } | undefined;
    const sequence = await answer.trace.observe(observation, sightOf(candidate, this.agents.get(observation)), (own) =>
      this.agents.write(observation, originOf(observation.observedAt, own), (known) => {
        const isReadBack = decidedOn !== undefined && decidedOn.known !== known;
        decidedOn = { known };
        // It was stored all the same, and says no more than the answer did.
        if (isReadBack && known !== undefined && isSameWord(candidate, known)) known.answeredAt = candidate.answeredAt;
        if (this.isToTell(candidate, answer, known)) {
          return { data: observation, value: candidate, retires: !candidate.isPresent };
        }
        if (isReadBack && known !== undefined && known.digest !== candidate.digest) throw new StoredMeanwhile(agentId);
        return undefined;
      }),
    );
    if (sequence !== undefined) this.published();
    return sequence !== undefined;
  }
}

/** What an observation is to what was known before it. */
function sightOf(candidate: KnownAgent, known: KnownAgent | undefined): Sight {
  if (known === undefined) return 'first';
  if (!candidate.isPresent && known.isPresent) return 'gone';
  return candidate.digest === known.digest ? 'confirmed' : 'changed';
}

/** A transaction of its own for each observation. */
function originOf(observedat: string, traceparent: string) {
  return { input: 'console', cause: { txn: randomUUID(), traceparent, observedat } };
}

function isUnfit(error: unknown): error is EventTooLarge | UnusableId {
  return error instanceof EventTooLarge || error instanceof UnusableId;
}
