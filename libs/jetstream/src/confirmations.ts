import { JetStreamApiError, type ApiError } from '@nats-io/jetstream';
import { errors, type Msg, type MsgHdrs, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { inboxOf } from './connection.js';
import { Outbox } from './outbox.js';

/** The stream's word that it stored a message. */
export interface Confirmation {
  readonly seq: number;
  /** A message of this id was stored before, and is what `seq` names. */
  readonly duplicate: boolean;
}

/** No confirmation came: in time, from a stream that has a leader, over a connection that is open. */
export class NotConfirmed extends Error {
  override readonly name = 'NotConfirmed';
}

interface Waiting {
  readonly subject: string;
  readonly resolve: (confirmation: Confirmation) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
}

/** Deadlines are looked at this often, as a share of the time-out: they need no precision. */
const SWEEPS_PER_TIMEOUT = 10;

/**
 * Publishes with a reply subject of its own and hands each confirmation to its publish.
 *
 * The client's own request makes two errors, with their stacks, a timer and an iterator for every message, needed or not;
 * with everything in flight that was a fifth of a service's time (docs/adr/0008).
 */
export class Confirmations {
  private readonly waiting = new Map<string, Waiting>();
  private readonly inbox: string;
  private readonly outbox = new Outbox();
  private readonly subscription: Subscription;
  private sweeping: NodeJS.Timeout | undefined;
  private next = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly timeoutMs: number,
  ) {
    this.inbox = inboxOf(connection);
    this.subscription = connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.settle(message);
        else this.failAll(`the subscription for confirmations failed: ${error.message}`);
      },
    });
    void this.failWithConnection();
  }

  /**
   * Resolves when the stream has stored the message. Throws `JetStreamApiError`, {@link NotConfirmed}, or the client's
   * `PermissionViolationError`.
   */
  publish(subject: string, payload: Uint8Array, headers: MsgHdrs): Promise<Confirmation> {
    const token = (this.next++).toString(36);
    return new Promise((resolve, reject) => {
      this.waiting.set(token, { subject, resolve, reject, deadline: performance.now() + this.timeoutMs });
      this.sweeping ??= setInterval(() => this.sweep(), this.timeoutMs / SWEEPS_PER_TIMEOUT);
      this.outbox.add(() => this.send(token, subject, payload, headers));
    });
  }

  private send(token: string, subject: string, payload: Uint8Array, headers: MsgHdrs): void {
    try {
      this.connection.publish(subject, payload, { reply: `${this.inbox}.${token}`, headers });
    } catch (error) {
      const reject = this.waiting.get(token)?.reject;
      this.waiting.delete(token);
      reject?.(new NotConfirmed(error instanceof Error ? error.message : String(error), { cause: error }));
    }
  }

  close(): void {
    this.subscription.unsubscribe();
    this.failAll('the publisher is closed');
  }

  /**
   * A confirmation on its way when the connection breaks never arrives: who waits for it may look what was stored. Nor does
   * one for a subject that the user may not publish on.
   */
  private async failWithConnection(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.failAll('the connection broke');
      if (status.type === 'error' && status.error instanceof errors.PermissionViolationError) this.forbid(status.error);
    }
    this.failAll('the connection is closed');
  }

  private settle(message: Msg): void {
    const token = message.subject.slice(this.inbox.length + 1);
    const waiting = this.waiting.get(token);
    // One that came after its deadline: its publish has been given up, and will be found by whoever tries again.
    if (waiting === undefined) return;
    this.waiting.delete(token);
    const answer = read(message);
    if (answer instanceof Error) waiting.reject(answer);
    else waiting.resolve(answer);
  }

  private sweep(): void {
    const now = performance.now();
    for (const [token, { deadline, reject }] of this.waiting) {
      if (deadline > now) continue;
      this.waiting.delete(token);
      reject(new NotConfirmed(`no confirmation within ${this.timeoutMs} ms`));
    }
    this.restWhenIdle();
  }

  private forbid(violation: InstanceType<typeof errors.PermissionViolationError>): void {
    for (const [token, { subject, reject }] of this.waiting) {
      if (violation.operation !== 'publish' || violation.subject !== subject) continue;
      this.waiting.delete(token);
      reject(violation);
    }
    this.restWhenIdle();
  }

  private failAll(reason: string): void {
    for (const { reject } of this.waiting.values()) reject(new NotConfirmed(reason));
    this.waiting.clear();
    this.restWhenIdle();
  }

  private restWhenIdle(): void {
    if (this.waiting.size > 0) return;
    clearInterval(this.sweeping);
    this.sweeping = undefined;
  }
}

/** A confirmation on the wire: the server's PubAck, or its error. */
interface WireConfirmation {
  readonly stream?: string;
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: ApiError;
}

function read(message: Msg): Confirmation | Error {
  if (message.data.byteLength === 0) return new NotConfirmed('no stream takes the subject just now');
  let answer: WireConfirmation;
  try {
    answer = message.json<WireConfirmation>();
  } catch (error) {
    return new NotConfirmed('the confirmation is not readable', { cause: error });
  }
  if (answer.error !== undefined) return new JetStreamApiError(answer.error);
  if (answer.seq === undefined) return new NotConfirmed('the confirmation names no sequence');
  return { seq: answer.seq, duplicate: answer.duplicate ?? false };
}
