import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent, filterOf, PolicyPublished, STREAMS, UnreadableEvent } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import type { WarmTable } from '@stance/service-kit';

/** What was published so far, as far as the next policy from a file depends on it. */
export interface PublishedPolicies {
  /** The highest revision; 0 before the first. */
  readonly revision: number;
  /** Of the last policy published, whoever did it. */
  readonly lastSha256: string | undefined;
  /** Of the last one published from the file. */
  readonly lastFromFile: string | undefined;
  /** The sequence of the last message, which the next one replaces; 0 before the first. */
  readonly lastSequence: number;
}

/** Follows every policy ever published and keeps what {@link PublishedPolicies} needs, never a document. */
export class PolicyHistory implements WarmTable {
  readonly stream = STREAMS.POLICIES.name;
  private published: PublishedPolicies = {
    revision: 0,
    lastSha256: undefined,
    lastFromFile: undefined,
    lastSequence: 0,
  };
  private follower: StreamFollower | undefined;

  constructor(
    private readonly connection: NatsConnection,
    /** `publishedBy` of policies from the file. */
    private readonly publishedBy: string,
  ) {}

  get current(): PublishedPolicies {
    return this.published;
  }

  async load(signal?: AbortSignal): Promise<void> {
    this.follower = await StreamFollower.start(
      this.connection,
      { stream: this.stream, filter: filterOf(PolicyPublished), from: { sequence: 1 } },
      (message) => this.take(message),
    );
    await this.follower.caughtUp(signal);
  }

  async caughtUp(signal?: AbortSignal): Promise<void> {
    await this.follower?.caughtUp(signal);
  }

  async stopFollowing(): Promise<void> {
    await this.follower?.stop();
    this.follower = undefined;
  }

  private take(message: JsMsg): void {
    const lastSequence = message.seq;
    try {
      const { data } = decodeEvent(PolicyPublished, message.data, message.subject);
      this.published = {
        revision: Math.max(this.published.revision, data.revision),
        lastSha256: data.sha256,
        lastFromFile: data.publishedBy === this.publishedBy ? data.sha256 : this.published.lastFromFile,
        lastSequence,
      };
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
      // Not a policy, so in force nowhere; the next one is published behind it all the same.
      this.published = { ...this.published, lastSequence };
    }
  }
}
