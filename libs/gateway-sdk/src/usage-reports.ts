import type { Subscription } from '@nats-io/transport-node';
import { addressOf, createEvent, MAX_SESSIONS_USED, SessionsUsed, subjectOf, type EventOf } from '@stance/contracts';
import type { Link } from './link.js';

export interface UsageReportsOptions {
  readonly gateway: string;
  readonly replica: string;
  readonly everyMs: number;
  readonly now: () => number;
  /** Sessions that were used since this was asked last. */
  readonly takeUsed: () => Iterable<string>;
  /** Sessions in use at the moment of a report, besides those. */
  readonly inUse: () => Iterable<string>;
  readonly onUsedElsewhere: (sessionId: string) => void;
  readonly read: (message: {
    readonly data: Uint8Array;
    readonly subject: string;
  }) => EventOf<typeof SessionsUsed> | undefined;
  readonly onTrouble: (message: string, error: unknown) => void;
}

/**
 * Tells the other replicas of a gateway which sessions are in use here, and hears it of them, so that none ends for idleness
 * what another serves. Over core NATS: one that is missed is made up for by the next.
 */
export class UsageReports {
  private readonly subscription: Subscription;
  private readonly timer: NodeJS.Timeout;
  private reports = 0;
  private othersHeardAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly link: Link,
    private readonly options: UsageReportsOptions,
  ) {
    this.subscription = link.connection.subscribe(subjectOf(SessionsUsed, { gateway: options.gateway }), {
      callback: (error, message) => {
        if (error !== null) return options.onTrouble('other replicas cannot be listened to', error);
        const event = options.read(message);
        if (event !== undefined && event.data.replica !== options.replica) {
          this.othersHeardAt = options.now();
          for (const sessionId of event.data.sessionIds) options.onUsedElsewhere(sessionId);
        }
      },
    });
    this.timer = setInterval(() => this.report(), options.everyMs);
  }

  /** Whether other replicas have told of sessions in use lately. */
  get hasOthers(): boolean {
    return this.options.now() - this.othersHeardAt <= 2 * this.options.everyMs;
  }

  stop(): void {
    clearInterval(this.timer);
    if (!this.subscription.isClosed()) this.subscription.unsubscribe();
  }

  private report(): void {
    const used = this.options.takeUsed();
    // Without a link nobody ends anything for idleness: there is nothing to keep them from.
    if (!this.link.connected) return;
    const sessionIds = [...new Set([...used, ...this.options.inUse()])];
    for (let from = 0; from < sessionIds.length; from += MAX_SESSIONS_USED) {
      this.publish(sessionIds.slice(from, from + MAX_SESSIONS_USED));
    }
  }

  private publish(sessionIds: string[]): void {
    const { gateway, replica, now } = this.options;
    const time = new Date(now());
    this.reports += 1;
    const data = { gateway, replica, sessionIds, reportedAt: time.toISOString() };
    const id = `gateway:${replica}:used:${this.reports}`;
    const event = createEvent(SessionsUsed, { id, producer: 'gateway', time, data, cause: {} });
    try {
      this.link.connection.publish(addressOf(SessionsUsed, data), JSON.stringify(event));
    } catch (error) {
      this.options.onTrouble('the sessions in use could not be told to other replicas', error);
    }
  }
}
