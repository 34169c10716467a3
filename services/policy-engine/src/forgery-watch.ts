import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { PolicyActivated, PolicyPublished, UnreadableEvent } from '@stance/contracts';
import { decodeStored, StreamFollower } from '@stance/jetstream';
import type { PublishedPolicy } from './loaded-policy.js';
import type { PolicyLog } from './policy-log.js';

/**
 * Follows the policy log while the engine is active, so that "in force" by another hand is told at once and not at the next
 * start. What comes into force is up to the handler of publications alone.
 */
export class ForgeryWatch {
  private readonly published = new Map<number, PublishedPolicy>();
  private follower: StreamFollower | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly policies: PolicyLog,
    /** Called when an activation does not count. */
    private readonly onForged: () => void,
  ) {}

  /** Goes on where the log was read up to. */
  async start(): Promise<void> {
    if (!this.policies.needsSignature) return;
    this.follower = await StreamFollower.start(
      this.connection,
      { stream: this.policies.stream, from: { sequence: this.policies.readUpTo + 1 } },
      (message) => this.take(message),
    );
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
    this.follower = undefined;
  }

  private take(message: JsMsg): void {
    try {
      if (message.subject === PolicyPublished.subjectPrefix) this.remember(decodeStored(PolicyPublished, message).data);
      else this.examine(message);
    } catch (error) {
      // The handler of the same message dead-letters it, with the reason.
      if (!(error instanceof UnreadableEvent)) throw error;
    }
  }

  private remember(policy: PublishedPolicy): void {
    for (const revision of this.published.keys()) {
      if (!this.policies.isNewerThanActive(revision)) this.published.delete(revision);
    }
    if (!this.published.has(policy.revision)) this.published.set(policy.revision, policy);
  }

  private examine(message: JsMsg): void {
    const { outcome, revision } = decodeStored(PolicyActivated, message).data;
    if (outcome !== 'active') return;
    if (this.policies.examine(revision, this.published.get(revision), message.time.getTime()) !== undefined) {
      this.onForged();
    }
  }
}
