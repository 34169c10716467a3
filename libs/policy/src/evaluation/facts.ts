import type { DataOf, PostureChanged } from '@stance/contracts';
import type { Outcome } from '../conditions/outcome.js';
import type { CompiledException, CompiledPolicy, CompiledRequirement } from './compile-policy.js';
import { firstMemory, graceKey, rememberedFrom, type Remembered } from './grace.js';
import type { Past } from './past.js';
import { timeOf } from './timestamp.js';

/** What is decided about: the posture of a device, as the posture store publishes it. */
export type PostureSubject = Pick<
  DataOf<typeof PostureChanged>,
  'deviceId' | 'device' | 'agents' | 'attributes' | 'problems'
>;

export type SubjectAgent = PostureSubject['agents'][number];

const NO_EXCEPTIONS: readonly CompiledException[] = [];

/** The latest time that a date can name; what lies beyond never comes. */
const END_OF_TIME = 8_640_000_000_000_000;

/**
 * One device at one moment, with what was already found out about it, and the next moment at which any of that becomes
 * different by time alone.
 */
export class Facts {
  /** By agent: when its values were last known to be true; -Infinity where its times cannot be read. */
  readonly confirmedAt: readonly number[];
  /** When the agent that has been silent longest was last in contact; undefined without agents or without that time. */
  readonly lastSeenAt: number | undefined;
  /** The agents of the device disagree on some attribute, which then has no value. */
  readonly conflicting: boolean;
  /** Outcomes by slot of the compiled policy; undefined until asked for, null for a rule that does not apply. */
  readonly postures: (Outcome | undefined)[] = [];
  readonly held: (boolean | undefined)[] = [];
  readonly rules: (Outcome | null | undefined)[] = [];
  /** What is remembered after this moment, by slot of requirements with grace. */
  readonly graces: (Remembered | undefined)[] = [];
  readonly #exceptions: readonly CompiledException[];
  #remembered: ReadonlyMap<string, Remembered> | undefined;
  #changesAt = Infinity;

  constructor(
    private readonly compiled: CompiledPolicy,
    readonly subject: PostureSubject,
    /** Milliseconds since the epoch, whole. */
    readonly now: number,
    private readonly past: Past,
    private readonly earlier?: Facts,
  ) {
    this.#exceptions = compiled.exceptions.get(subject.deviceId) ?? NO_EXCEPTIONS;
    this.confirmedAt = earlier?.confirmedAt ?? subject.agents.map(confirmedAt);
    this.lastSeenAt = earlier === undefined ? longestSilent(subject.agents, this.confirmedAt) : earlier.lastSeenAt;
    this.conflicting = subject.problems.includes('conflict');
  }

  /** The same device at another moment. */
  at(now: number): Facts {
    return new Facts(this.compiled, this.subject, now, this.past, this);
  }

  /** What was remembered before this moment. */
  remembered(requirement: CompiledRequirement): Remembered {
    if (this.earlier !== undefined) {
      return this.earlier.graces[requirement.slot] ?? this.earlier.remembered(requirement);
    }
    this.#remembered ??= rememberedFrom(this.past);
    const key = graceKey(requirement.rule.name, requirement.posture.name);
    return this.#remembered.get(key) ?? firstMemory(requirement, this.past);
  }

  /** The same device at the same moment if the policy had no exception for it. */
  withoutExceptions(): Facts {
    return new Facts({ ...this.compiled, exceptions: new Map() }, this.subject, this.now, this.past, this.earlier);
  }

  get hasExceptions(): boolean {
    return this.#exceptions.length > 0;
  }

  /** The exception that lets the device off a requirement now; of several, the one that lasts longest. */
  exceptionFrom({ slot }: CompiledRequirement): CompiledException | undefined {
    let lasting: CompiledException | undefined;
    for (const candidate of this.#exceptions) {
      const { until } = candidate.exception;
      if (!candidate.requirements.has(slot) || until <= this.now) continue;
      if (lasting === undefined || until > lasting.exception.until) lasting = candidate;
    }
    if (lasting !== undefined) this.changes(lasting.exception.until);
    return lasting;
  }

  /** Something that was asked for becomes different at this time, if nothing happens before. */
  changes(at: number): void {
    if (at > this.now && at < this.#changesAt) this.#changesAt = at;
  }

  /** The earliest time at which an answer given so far becomes another; undefined where time alone changes none. */
  get changesAt(): number | undefined {
    return this.#changesAt <= END_OF_TIME ? this.#changesAt : undefined;
  }
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
