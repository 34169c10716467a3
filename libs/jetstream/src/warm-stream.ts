import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { StreamFollower, type FollowOptions } from './stream-follower.js';

/** Keeps in memory what matters of a stream's messages, and follows them until it is told to stop. */
export abstract class WarmStream {
  /** The name of the stream that it is read from. */
  readonly stream: string;
  private follower: StreamFollower | undefined;

  constructor(
    protected readonly connection: NatsConnection,
    private readonly following: FollowOptions,
  ) {
    this.stream = following.stream;
  }

  /** Takes a message in: one after the other, in the order of the stream. Must not throw. */
  protected abstract take(message: JsMsg): void;

  /** Starts to follow the stream; resolves when everything stored so far was taken in. */
  async load(signal?: AbortSignal): Promise<void> {
    this.follower = await StreamFollower.start(this.connection, this.following, (message) => this.take(message));
    await this.follower.caughtUp(signal);
  }

  /** Resolves when everything stored at the time of the call was taken in. */
  async caughtUp(signal?: AbortSignal): Promise<void> {
    await this.follower?.caughtUp(signal);
  }

  /** Stops following: from now on nothing of the stream is taken in. */
  async stopFollowing(): Promise<void> {
    await this.follower?.stop();
    this.follower = undefined;
  }
}
