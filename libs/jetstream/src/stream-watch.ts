import { JetStreamApiCodes, JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { look, type StreamMark } from './stream-mark.js';

/** Asks how a stream stands now, and what became of it since `before`. Rejects when its leader does not say. */
export type LookAt = (stream: string, before: StreamMark | undefined) => ReturnType<typeof look>;

export interface StreamWatchOptions {
  /** How often the streams are looked at besides after every trouble; 2 s by default. */
  readonly intervalMs?: number;
  /** The watch that ended before this one began: what it knew of the streams counts on. */
  readonly before?: StreamWatch | undefined;
  /** Asks the stream's leader by default. */
  readonly lookAt?: LookAt;
  readonly trouble: (message: string, error?: unknown) => void;
}

/** A stream that is not the one that it was. */
export interface StreamChange {
  readonly stream: string;
  /** What became of it, as in `was deleted and made anew at ...`. */
  readonly what: string;
}

interface WatchedStream {
  readonly stream: string;
  mark: StreamMark;
  doubt: Promise<boolean> | undefined;
  /** For good: nothing more of this stream is for those who read the old one, whatever a later look says. */
  replaced: boolean;
  /** Whether it was told already that there is none. */
  missing: boolean;
}

const INTERVAL_MS = 2_000;
/** Between two looks while the server does not answer and messages wait for it. */
const RETRY_MS = 250;
const LOOK_TIMEOUT_MS = 1_000;

/**
 * Notices that a stream was deleted and made anew, or set back: whatever was read of it, and every sequence that somebody
 * holds, then means nothing any more. Where there is reason for doubt, messages wait until the stream's leader has answered.
 */
export class StreamWatch {
  /** Resolves with the first change; never without one. */
  readonly changed: Promise<StreamChange>;
  private readonly streams = new Map<string, WatchedStream>();
  private readonly trouble: StreamWatchOptions['trouble'];
  private readonly intervalMs: number;
  private readonly lookAt: LookAt;
  private looking: NodeJS.Timeout | undefined;
  private stopped = false;
  /** When a change was noticed last, by the server's clock, in milliseconds; 0 before the first. */
  private changedAt: number;
  private hasChanged: (change: StreamChange) => void = () => undefined;

  constructor(
    private readonly connection: NatsConnection,
    { intervalMs = INTERVAL_MS, before, lookAt = leaderOf(connection), trouble }: StreamWatchOptions,
  ) {
    this.lookAt = lookAt;
    this.intervalMs = intervalMs;
    this.trouble = trouble;
    this.changedAt = before?.changedAt ?? 0;
    for (const { stream, mark } of before?.streams.values() ?? []) this.remember(stream, mark);
    this.changed = new Promise((resolve) => (this.hasChanged = resolve));
  }

  /** Remembers how the streams stand now: call it before anything is read of them. Rejects when one cannot be read. */
  async start(streams: Iterable<string>): Promise<void> {
    await Promise.all([...new Set(streams)].map((stream) => this.take(stream)));
    if (this.stopped) return;
    this.looking = setInterval(() => this.lookAtAll(), this.intervalMs);
    void this.doubtAfterDisconnections();
  }

  /**
   * Since when everything is as it is: the youngest stream's creation, or the last change. What a consumer from before has
   * acknowledged may have had its effect on what is gone.
   */
  get since(): Date {
    const created = [...this.streams.values()].map(({ mark }) => Date.parse(mark.created));
    return new Date(Math.max(this.changedAt, ...created));
  }

  /** The stream may be another one: until its leader says so or not, its messages wait. */
  doubt(stream: string): void {
    const watched = this.streams.get(stream);
    if (watched !== undefined) watched.doubt ??= this.lookUntilAnswered(watched);
  }

  /** `undefined` while there is no doubt about a stream; else resolves to whether it is still the same one. */
  isSame(stream: string): Promise<boolean> | undefined {
    const watched = this.streams.get(stream);
    return watched?.replaced === true ? Promise.resolve(false) : watched?.doubt;
  }

  /** Ends the watch; whoever waits for its word is told that nothing is sure. */
  stop(): void {
    this.stopped = true;
    clearInterval(this.looking);
  }

  private remember(stream: string, mark: StreamMark): void {
    this.streams.set(stream, { stream, mark, doubt: undefined, replaced: false, missing: false });
  }

  private async take(stream: string): Promise<void> {
    const { mark, what, at } = await this.lookAt(stream, this.streams.get(stream)?.mark);
    this.remember(stream, mark);
    if (what === undefined) return;
    this.changedAt = Math.max(this.changedAt, at);
    this.trouble(`the stream ${stream} ${what} since it was last looked at`);
  }

  private async doubtAfterDisconnections(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (this.stopped) return;
      // Whatever may have happened to the server's files until it is back.
      if (type === 'disconnect') for (const stream of this.streams.keys()) this.doubt(stream);
    }
  }

  private lookAtAll(): void {
    for (const watched of this.streams.values())
      if (this.isSame(watched.stream) === undefined) void this.isUnchanged(watched);
  }

  private async lookUntilAnswered(watched: WatchedStream): Promise<boolean> {
    while (!this.stopped && !this.connection.isClosed()) {
      const unchanged = await this.isUnchanged(watched);
      if (unchanged !== undefined) {
        watched.doubt = undefined;
        return unchanged;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    return false;
  }

  /** `undefined` when the stream's leader does not say, or there is no such stream just now. */
  private async isUnchanged(watched: WatchedStream): Promise<boolean | undefined> {
    const { stream, mark } = watched;
    if (watched.replaced) return false;
    try {
      const now = await this.lookAt(stream, mark);
      if (this.stopped) return undefined;
      // By another look at the same time: this one may have been answered before, and come later.
      if (watched.replaced) return false;
      watched.mark = now.mark;
      if (now.what === undefined) return true;
      this.changedAt = Math.max(this.changedAt, now.at);
      watched.replaced = true;
      this.hasChanged({ stream, what: now.what });
      return false;
    } catch (error) {
      // No server or no leader just now is told by whoever consumes; the next look asks again.
      if (!isMissing(error) || watched.missing) return undefined;
      watched.missing = true;
      this.trouble(`the stream ${stream} was deleted: waiting for it to be made anew`, error);
      return undefined;
    }
  }
}

function leaderOf(connection: NatsConnection): LookAt {
  let manager: Promise<JetStreamManager> | undefined;
  return async (stream, before) => {
    manager ??= jetstreamManager(connection, { checkAPI: false, timeout: LOOK_TIMEOUT_MS });
    return look(await manager, stream, before);
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
