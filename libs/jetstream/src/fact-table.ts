import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  filterOf,
  keysOf,
  subjectOf,
  UnreadableEvent,
  type Cause,
  type DataOf,
  type EventContract,
  type EventOf,
  type KeysOf,
} from '@stance/contracts';
import { ExpectationFailed, Unconfirmed, type EventPublisher, type PublishOptions } from './publisher.js';
import { Unreachable } from './settlement.js';
import { decodeStored, type StoredMessage } from './stored-event.js';
import { WarmStream } from './warm-stream.js';

/** What a table keeps of a subject's last event. */
export interface Entry<Value> {
  /** The event's sequence in its stream. */
  readonly sequence: number;
  /** `undefined` when the last event is unreadable or not worth keeping. */
  readonly value: Value | undefined;
}

export interface FactTableOptions<Contract extends EventContract, Value> {
  /**
   * What to keep of an event: the less, the more devices fit into memory. `undefined` keeps nothing. The payload is only
   * lent: copy what is to stay. `before` is what was kept of the subject's event before, where this process saw one.
   */
  readonly keep: (event: EventOf<Contract>, payload: Uint8Array, before: Value | undefined) => Value | undefined;
  /** Narrows the table to some keys, such as one source. */
  readonly only?: Partial<KeysOf<Contract>>;
  /** Called after every change, with the value before and the sequence of the event. */
  readonly onChange?: (
    keys: KeysOf<Contract>,
    value: Value | undefined,
    before: Value | undefined,
    sequence: number,
  ) => void;
  /** Called for an event in the stream that is not one: it counts as no value. */
  readonly onUnreadable?: (subject: string, sequence: number, error: UnreadableEvent) => void;
}

/** Where an event stands, and how it looked there. */
export interface Place {
  readonly subject: string;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** The write that a decision asks for; `undefined` means that what is stored is right. */
export interface Write<Contract extends EventContract, Value> {
  readonly data: DataOf<Contract>;
  /** What the table is to keep of it, where that is at hand; `keep` finds it otherwise. */
  readonly value?: Value;
  readonly retires?: boolean;
  readonly schedule?: PublishOptions['schedule'];
  readonly ttl?: string;
}

/** What a write follows from: the input that named the key. Makes event ids repeatable across crashes. */
export interface Origin {
  readonly input: string;
  readonly cause: Cause;
  /** Other causes of the same write, as `traceparent`s. */
  readonly links?: readonly (string | undefined)[];
}

/** How often a write is decided anew after somebody else wrote first, before it is left for later. */
const MAX_DECISIONS = 20;
/** For reading a subject's last event: a request that a broken connection swallowed must not hold up its key for long. */
const READ_TIMEOUT_MS = 1_000;
/** Between two attempts while the stream's leader does not answer. */
const UNREACHABLE_PAUSE_MS = 250;

/**
 * A stream's last event per subject, in memory, and compare-and-set writes to it.
 *
 * A standby's table follows the stream. That of the active replica has stopped to: it changes by {@link FactTable.apply} and
 * {@link FactTable.write} alone. Each write states the sequence that it replaces, so that nothing older ever replaces anything
 * newer, whoever else believes to be active.
 */
export class FactTable<Contract extends EventContract, Value> extends WarmStream {
  private readonly entries = new Map<string, Entry<Value>>();
  private readonly writing = new Map<string, Promise<unknown>>();
  private manager: JetStreamManager | undefined;

  constructor(
    connection: NatsConnection,
    private readonly publisher: EventPublisher,
    readonly contract: Contract,
    private readonly options: FactTableOptions<Contract, Value>,
  ) {
    if (contract.stream === null) throw new TypeError(`${contract.name} is kept by no stream`);
    const filter = filterOf(contract, options.only);
    super(connection, { stream: contract.stream.name, filter, from: 'last-per-subject' });
  }

  get size(): number {
    return this.entries.size;
  }

  get(keys: KeysOf<Contract>): Value | undefined {
    return this.entries.get(subjectOf(this.contract, keys))?.value;
  }

  /** The stream sequence of a key's last event. */
  sequenceOf(keys: KeysOf<Contract>): number | undefined {
    return this.entries.get(subjectOf(this.contract, keys))?.sequence;
  }

  *keys(): IterableIterator<KeysOf<Contract>> {
    for (const [subject, { value }] of this.entries) if (value !== undefined) yield keysOf(this.contract, subject);
  }

  *values(): IterableIterator<Value> {
    for (const { value } of this.entries.values()) if (value !== undefined) yield value;
  }

  /** Takes in an event that was read elsewhere. One older than the table's is ignored; returns whether it was news. */
  apply(event: EventOf<Contract>, place: Place): boolean {
    return this.replace(event, place, undefined);
  }

  private replace(event: EventOf<Contract>, { subject, sequence, payload }: Place, known: Value | undefined): boolean {
    const before = this.entries.get(subject);
    if (before !== undefined && before.sequence >= sequence) return false;
    const value = known ?? this.options.keep(event, payload, before?.value);
    this.entries.set(subject, { sequence, value });
    this.options.onChange?.(event.data as KeysOf<Contract>, value, before?.value, sequence);
    return true;
  }

  /**
   * Writes what `decide` asks for, one write per key at a time. When somebody else wrote first, or it is not known whether
   * the last attempt was stored, the last event is read from the stream's leader and `decide` is asked again.
   * Resolves to the event's sequence, or `undefined` when nothing had to be written.
   */
  async write(
    keys: KeysOf<Contract>,
    origin: Origin,
    decide: (stored: Value | undefined) => Write<Contract, Value> | undefined,
  ): Promise<number | undefined> {
    const subject = subjectOf(this.contract, keys);
    const before = this.writing.get(subject);
    const write = this.writeAfter(before, subject, origin, decide);
    this.writing.set(subject, write);
    try {
      return await write;
    } finally {
      if (this.writing.get(subject) === write) this.writing.delete(subject);
    }
  }

  private async writeAfter(
    before: Promise<unknown> | undefined,
    subject: string,
    origin: Origin,
    decide: (stored: Value | undefined) => Write<Contract, Value> | undefined,
  ): Promise<number | undefined> {
    // The write before has its own caller to tell of its failure.
    await before?.catch(() => undefined);
    for (let attempt = 0; attempt < MAX_DECISIONS; attempt += 1) {
      const stored = this.entries.get(subject);
      const wanted = decide(stored?.value);
      if (wanted === undefined) return undefined;
      const sequence = await this.tryWrite(subject, stored?.sequence ?? 0, origin, wanted);
      if (sequence !== undefined) return sequence;
      if (!(await this.refreshed(subject))) await new Promise((resolve) => setTimeout(resolve, UNREACHABLE_PAUSE_MS));
    }
    throw new Unreachable(`${subject} could not be written in ${MAX_DECISIONS} attempts`);
  }

  private async tryWrite(
    subject: string,
    expectedSequence: number,
    { input, cause, links }: Origin,
    { data, value, retires, schedule, ttl }: Write<Contract, Value>,
  ): Promise<number | undefined> {
    const id = `${this.publisher.service}:${input}:${subject}@${expectedSequence}`;
    const options = {
      id: id.length <= 1024 ? id : `${this.publisher.service}:${input}@${expectedSequence}`,
      cause,
      links,
      expectedSequence,
      ...(retires !== undefined && { retires }),
      ...(schedule !== undefined && { schedule }),
      ...(ttl !== undefined && { ttl }),
    };
    try {
      const { event, payload, sequence, duplicate } = await this.publisher.publish(this.contract, data, options);
      // A duplicate may hold what an earlier decision asked for, not this one.
      if (duplicate) return undefined;
      this.replace(event, { subject, sequence, payload }, value);
      return sequence;
    } catch (error) {
      if (error instanceof ExpectationFailed || error instanceof Unconfirmed) return undefined;
      throw error;
    }
  }

  /** Whether the leader could be asked; while it cannot, nothing is decided. */
  private async refreshed(subject: string): Promise<boolean> {
    try {
      await this.refresh(subject);
      return true;
    } catch (error) {
      if (this.connection.isClosed() || !(error instanceof Error)) throw error;
      return false;
    }
  }

  /** Reads a subject's last event from the stream's leader: a replica may not have heard of the last write yet. */
  private async refresh(subject: string): Promise<void> {
    this.manager ??= await jetstreamManager(this.connection, { checkAPI: false, timeout: READ_TIMEOUT_MS });
    const before = this.entries.get(subject);
    const message = await this.manager.streams.getMessage(this.stream, { last_by_subj: subject });
    if (message === null) {
      this.entries.delete(subject);
      if (before?.value !== undefined)
        this.options.onChange?.(keysOf(this.contract, subject), undefined, before.value, before.sequence);
      return;
    }
    // The leader's last is older than ours: the stream was made anew or restored, and what is gone counts no more.
    if (before !== undefined && message.seq < before.sequence && this.entries.get(subject) === before) {
      this.entries.set(subject, { sequence: 0, value: before.value });
    }
    this.take({ data: message.data, subject, headers: message.header, seq: message.seq });
  }

  protected take(message: StoredMessage & { readonly seq: number }): void {
    const { subject, seq: sequence, data: payload } = message;
    try {
      this.apply(decodeStored(this.contract, message), { subject, sequence, payload });
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
      this.options.onUnreadable?.(subject, sequence, error);
      const before = this.entries.get(subject);
      if (before !== undefined && before.sequence >= sequence) return;
      this.entries.set(subject, { sequence, value: undefined });
      if (before?.value !== undefined)
        this.options.onChange?.(keysOf(this.contract, subject), undefined, before.value, before.sequence);
    }
  }
}
