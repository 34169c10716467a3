import type { Outcome } from '../conditions/outcome.js';
import type { Exception } from '../policy.js';
import { graceKey } from './grace-key.js';
import { firstMemory, rememberedFrom, type GracedRequirement, type Remembered } from './grace.js';
import type { Past } from './past.js';
import type { PostureSubject, PreparedSubject } from './subject.js';

/** An exception, and the requirements that it waives, by slot. */
export interface CompiledException {
  readonly exception: Exception;
  readonly requirements: ReadonlySet<number>;
}

/** What of a policy the facts of a device depend on. */
export interface PolicyContext {
  /** By device. */
  readonly exceptions: ReadonlyMap<string, readonly CompiledException[]>;
  /** Of its requirements with grace; see `graceKey`. */
  readonly graceKeys: ReadonlySet<string>;
}

const NO_EXCEPTIONS: readonly CompiledException[] = [];

/** The latest time that a date can name; what lies beyond never comes. */
const END_OF_TIME = 8_640_000_000_000_000;

/** What was already found out, by slot of the compiled policy; null for a rule that does not apply. */
interface Memo {
  readonly postures: (Outcome | undefined)[];
  readonly held: (boolean | undefined)[];
  /** Of each condition of a posture. */
  readonly outcomes: (readonly Outcome[] | undefined)[];
  readonly rules: (Outcome | null | undefined)[];
  readonly graces: (Remembered | undefined)[];
}

/**
 * One device at one moment, with what was already found out about it, and the next moment at which any of that becomes
 * different by time alone.
 */
export class Facts {
  private memo: Memo | undefined;
  private ownExceptions: readonly CompiledException[] | undefined;
  private memories: ReadonlyMap<string, Remembered> | undefined;
  private nextChange = Infinity;

  constructor(
    private readonly context: PolicyContext,
    readonly prepared: PreparedSubject,
    /** Milliseconds since the epoch, whole. */
    readonly now: number,
    private readonly past: Past,
    private readonly earlier?: Facts,
  ) {}

  get subject(): PostureSubject {
    return this.prepared.subject;
  }

  /** Outcomes by slot; undefined until found. */
  get postures(): Memo['postures'] {
    return this.found.postures;
  }

  get held(): Memo['held'] {
    return this.found.held;
  }

  get outcomes(): Memo['outcomes'] {
    return this.found.outcomes;
  }

  get rules(): Memo['rules'] {
    return this.found.rules;
  }

  /** What is remembered after this moment, by slot of requirements with grace. */
  get graces(): Memo['graces'] {
    return this.found.graces;
  }

  private get found(): Memo {
    return (this.memo ??= { postures: [], held: [], outcomes: [], rules: [], graces: [] });
  }

  /** The same device at another moment. */
  at(now: number): Facts {
    return new Facts(this.context, this.prepared, now, this.past, this);
  }

  /** What was remembered before this moment. */
  remembered(requirement: GracedRequirement): Remembered {
    if (this.earlier !== undefined) {
      return this.earlier.graces[requirement.slot] ?? this.earlier.remembered(requirement);
    }
    return this.memoryOf(requirement) ?? firstMemory(requirement, this.past, this.context.graceKeys);
  }

  /** Whether the requirement was remembered before this moment: without that, it is new for the device. */
  remembers(requirement: GracedRequirement): boolean {
    if (this.earlier !== undefined) {
      return this.earlier.graces[requirement.slot] !== undefined || this.earlier.remembers(requirement);
    }
    return this.memoryOf(requirement) !== undefined;
  }

  private memoryOf({ rule, posture }: GracedRequirement): Remembered | undefined {
    this.memories ??= rememberedFrom(this.past);
    return this.memories.get(graceKey(rule.name, posture.name));
  }

  /** A moment at which nothing had turned yet that time alone turns; undefined where time turns nothing. */
  get beginning(): number | undefined {
    const confirmed = this.prepared.confirmedAt.filter(Number.isFinite);
    return confirmed.length === 0 ? undefined : Math.min(...confirmed) - 1;
  }

  /** The same device at the same moment if the policy had no exception for it. */
  withoutExceptions(): Facts {
    return new Facts({ ...this.context, exceptions: new Map() }, this.prepared, this.now, this.past, this.earlier);
  }

  get hasExceptions(): boolean {
    return this.exceptions.length > 0;
  }

  private get exceptions(): readonly CompiledException[] {
    return (this.ownExceptions ??= this.context.exceptions.get(this.subject.deviceId) ?? NO_EXCEPTIONS);
  }

  /** The exception that lets the device off a requirement now; of several, the one that lasts longest. */
  exceptionFrom({ slot }: GracedRequirement): CompiledException | undefined {
    let lasting: CompiledException | undefined;
    for (const candidate of this.exceptions) {
      const { until } = candidate.exception;
      if (!candidate.requirements.has(slot) || until <= this.now) continue;
      if (lasting === undefined || until > lasting.exception.until) lasting = candidate;
    }
    if (lasting !== undefined) this.changes(lasting.exception.until);
    return lasting;
  }

  /** Something that was asked for becomes different at this time, if nothing happens before. */
  changes(at: number): void {
    if (at > this.now && at < this.nextChange) this.nextChange = at;
  }

  /** The earliest time at which an answer given so far becomes another; undefined where time alone changes none. */
  get changesAt(): number | undefined {
    return this.nextChange <= END_OF_TIME ? this.nextChange : undefined;
  }
}
