import { DeliverPolicy, jetstream, jetstreamManager, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import { COPY_OF } from '@stance/contracts';
import type { Link } from './link.js';
import { pause, unlessAborted } from './pause.js';
import { askPosition, standingOf, type Place, type Standing } from './stream-position.js';

export interface FollowOptions {
  readonly stream: string;
  /** One filter: as a string it is part of the API subject, by which a gateway's permissions are given. */
  readonly filter: string;
  /** Called for one message after the other; must not throw. */
  readonly onMessage: (message: JsMsg) => void;
  /** The stream is about to be read from its start, for the first time or again. */
  readonly onLoading?: () => void;
  /** Everything that the stream held is in. Called again after each reload. */
  readonly onLoaded?: () => void;
  /** The stream is another one than was read so far: what came from it is void. It is loaded anew next. */
  readonly onReplaced?: () => void;
  /** Everything of the filter up to this sequence of the stream has been read. */
  readonly onReached?: (sequence: number) => void;
  /** Whether somebody waits for the next position: then the leader is asked soon again. */
  readonly isAwaited?: () => boolean;
  readonly onTrouble: (message: string, error: unknown) => void;
  /** Between two looks at where the stream's leader is, in milliseconds; default 5,000. */
  readonly lookEveryMs?: number;
  /** How long reading may stand still while there is more, before it starts anew; default 3,000 ms. */
  readonly stuckAfterMs?: number;
}

const LOOK_AGAIN_MS = 100;
const LOADING_LOOK_MS = 10;
const RETRY_MS = 1_000;
/** Two to three without a word, and the server that the consumer lived on is taken for gone, and the consumer with it. */
const HEARTBEAT_MS = 1_000;

/**
 * Reads a stream's last message per subject, then what comes, for as long as the process lives: through reconnections,
 * lost consumers, and streams that are recreated or set back under it.
 */
export class FollowedStream {
  private readonly stopping = new AbortController();
  private readonly ended: Promise<void>;
  private manager: JetStreamManager | undefined;
  private created: string | undefined;
  private copied: string | undefined;
  private seen: Place | undefined;
  private mark: Place | undefined;
  private isLoaded = false;
  private firstLoad = Promise.withResolvers<void>();
  private wake = new AbortController();
  /** Fires when the link is lost, and with it the answers to what was asked. */
  private lost = new AbortController();
  private restart = false;

  constructor(
    private readonly link: Link,
    private readonly options: FollowOptions,
  ) {
    link.onChange((event) => {
      if (event === 'back') return this.look();
      this.mark ??= this.seen;
      this.lost.abort();
      this.lost = new AbortController();
    });
    this.ended = this.run();
  }

  /** Resolves when it has been loaded for the first time, or when it was stopped before. */
  get loadedOnce(): Promise<void> {
    return this.firstLoad.promise;
  }

  get loaded(): boolean {
    return this.isLoaded;
  }

  /** When the stream was created that is read, or that it is a copy of, RFC 3339; undefined before it was looked at. */
  get originalCreated(): string | undefined {
    return this.copied ?? this.created;
  }

  /** Whether what is read is a copy, which stays as it was when its original is made anew or set back. */
  get isCopy(): boolean {
    return this.copied !== undefined;
  }

  /** Asks the stream's leader at once, instead of at the next interval. */
  look(): void {
    this.wake.abort();
  }

  /** Reads the stream from its start again; nothing is taken back before. */
  reload(): void {
    this.restart = true;
    this.look();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.look();
    await this.ended;
    this.firstLoad.resolve();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.link.whenConnected(signal);
      try {
        await this.readOnce(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.options.onTrouble(`${this.options.stream} cannot be read, trying again`, error);
        await pause(RETRY_MS, signal);
      }
      this.isLoaded = false;
    }
  }

  private async readOnce(signal: AbortSignal): Promise<void> {
    const { stream, filter } = this.options;
    this.restart = false;
    this.manager ??= await jetstreamManager(this.link.connection, { checkAPI: false });
    const { created, config } = await this.manager.streams.info(stream);
    this.copied = config.metadata?.[COPY_OF];
    if (this.created !== undefined && this.created !== created) this.void();
    this.created = created;
    const consumer = await jetstream(this.link.connection).consumers.get(stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subjects: filter,
    });
    let over = false;
    this.seen = undefined;
    this.options.onLoading?.();
    const messages = await consumer.consume({
      max_messages: 1_000,
      expires: 10_000,
      idle_heartbeat: HEARTBEAT_MS,
      callback: (message: JsMsg) => {
        if (over) return;
        this.seen = { sequence: message.seq, storedAt: message.time.getTime() };
        if (isRelayed(message)) this.options.onTrouble(`${message.subject} came by way of another stream`, undefined);
        else this.options.onMessage(message);
      },
    });
    let broken: { readonly error: unknown } | undefined;
    const untilBroken = async () => {
      const error = await messages.closed();
      broken = { error: error ?? new Error('the consumer ended') };
      this.look();
    };
    const untilSilent = async () => {
      for await (const { type } of messages.status()) {
        if (type !== 'heartbeats_missed') continue;
        broken ??= { error: new Error('nothing is heard of the consumer any more') };
        this.look();
      }
    };
    void untilBroken();
    void untilSilent();
    try {
      await this.supervise(signal, () => broken);
    } finally {
      over = true;
      // Closing waits for nothing that matters here, and never ends without a server.
      void messages.close();
    }
  }

  /** Watches over one reading until it has to start anew. */
  private async supervise(signal: AbortSignal, broken: () => { readonly error: unknown } | undefined): Promise<void> {
    const { lookEveryMs = 5_000, stuckAfterMs = 3_000 } = this.options;
    let doubts = 0;
    let short: { readonly at: number | undefined; readonly since: number } | undefined;
    for (;;) {
      const failure = broken();
      if (failure !== undefined) throw failure.error;
      if (signal.aborted || this.restart) return;
      const standing = await this.standing();
      doubts = standing === 'rewound' ? doubts + 1 : 0;
      // A leader just elected may lag for a moment: a stream counts as set back only when it says so twice.
      if (standing === 'recreated' || doubts > 1) return this.void();
      if (standing === 'reached' && !this.isLoaded) this.becomeLoaded();
      if (standing !== 'short') short = undefined;
      else if (short === undefined || short.at !== this.seen?.sequence) {
        short = { at: this.seen?.sequence, since: performance.now() };
      } else if (performance.now() - short.since > stuckAfterMs) {
        throw new Error(`nothing has come for ${stuckAfterMs} ms although there is more`);
      }
      await this.nextLook(this.untilNextLook(standing, lookEveryMs), signal);
    }
  }

  private untilNextLook(standing: Standing | undefined, lookEveryMs: number): number {
    if (standing === undefined) return Math.min(RETRY_MS, lookEveryMs);
    if (standing === 'reached') return this.options.isAwaited?.() ? LOOK_AGAIN_MS : lookEveryMs;
    return this.isLoaded ? LOOK_AGAIN_MS : LOADING_LOOK_MS;
  }

  /** `undefined` while nobody answers. */
  private async standing(): Promise<Standing | undefined> {
    const reader = { created: this.created ?? '', seen: this.seen, mark: this.mark };
    if (!this.link.connected || this.manager === undefined) return undefined;
    try {
      const { stream, filter } = this.options;
      const asked = askPosition(this.manager, stream, filter, reader.mark);
      const position = await unlessAborted(asked, AbortSignal.any([this.stopping.signal, this.lost.signal]));
      if (position === undefined) return undefined;
      const standing = standingOf({ ...reader, seen: latest(reader.seen, this.seen, position.lastSequence) }, position);
      if (reader.mark !== undefined && standing !== 'rewound' && this.mark === reader.mark) this.mark = undefined;
      if (standing === 'reached') this.options.onReached?.(position.lastSequence);
      return standing;
    } catch (error) {
      if (this.link.connected && !this.stopping.signal.aborted) {
        this.options.onTrouble(`${this.options.stream} does not answer`, error);
      }
      return undefined;
    }
  }

  private becomeLoaded(): void {
    this.isLoaded = true;
    this.options.onLoaded?.();
    this.firstLoad.resolve();
  }

  private void(): void {
    this.options.onTrouble(`${this.options.stream} was recreated or set back, loading it anew`, undefined);
    this.created = undefined;
    this.seen = undefined;
    this.mark = undefined;
    this.isLoaded = false;
    this.options.onReplaced?.();
  }

  private async nextLook(ms: number, signal: AbortSignal): Promise<void> {
    await pause(ms, AbortSignal.any([signal, this.wake.signal]));
    this.wake = new AbortController();
  }
}

/** What arrived while the leader was asked counts, unless it is newer than the answer. */
function latest(before: Place | undefined, now: Place | undefined, limit: number): Place | undefined {
  return now !== undefined && now.sequence <= limit ? now : before;
}

/** The header of a message that a server took out of a stream: whoever had it sent here was not the writer. */
function isRelayed({ headers }: JsMsg): boolean {
  return headers?.has('Nats-Stream') ?? false;
}
