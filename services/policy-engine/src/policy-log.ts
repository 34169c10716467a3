import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent, PolicyActivated, PolicyPublished, STREAMS, UnreadableEvent } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import type { WarmTable } from '@stance/service-kit';
import { loadPolicy, type LoadedPolicy, type PublishedPolicy } from './loaded-policy.js';

/**
 * Which policy is in force, by the log of what was published and activated. The log decides, not the newest document: a
 * refused revision leaves the one before in force, and a revision that once was active is never silently replaced by an
 * older one when it no longer loads.
 */
export class PolicyLog implements WarmTable {
  readonly stream = STREAMS.POLICIES.name;
  private readonly documents = new Map<number, PublishedPolicy>();
  private follower: StreamFollower | undefined;
  private activated = 0;
  private loaded: LoadedPolicy | undefined;

  constructor(
    private readonly connection: NatsConnection,
    private readonly now: () => number = Date.now,
  ) {}

  /** The policy in force; `undefined` before the first one, `ok: false` when the active revision does not load. */
  get active(): LoadedPolicy | undefined {
    if (this.activated === 0) return undefined;
    if (this.loaded?.revision !== this.activated) {
      const document = this.documents.get(this.activated);
      this.loaded =
        document === undefined
          ? { ok: false, revision: this.activated, errors: [{ message: 'its document is missing from the log' }] }
          : loadPolicy(document, this.now());
    }
    return this.loaded;
  }

  /** Puts a revision into force that {@link loadPolicy} has accepted. */
  activate(policy: LoadedPolicy): void {
    this.activated = policy.revision;
    this.loaded = policy;
    this.forgetOlder();
  }

  /** Whether the log says what became of a revision. */
  isNewerThanActive(revision: number): boolean {
    return revision > this.activated;
  }

  /** Keeps a document until a newer one is in force. The first of a revision counts: one put into force never changes. */
  remember(published: PublishedPolicy): void {
    const { revision } = published;
    if (revision >= this.activated && !this.documents.has(revision)) this.documents.set(revision, published);
  }

  /** Whether another document was published under the same revision before. */
  isTaken({ revision, sha256 }: PublishedPolicy): boolean {
    const first = this.documents.get(revision);
    return first !== undefined && first.sha256 !== sha256;
  }

  async load(signal?: AbortSignal): Promise<void> {
    this.follower = await StreamFollower.start(
      this.connection,
      { stream: this.stream, from: { sequence: 1 } },
      (message) => this.replay(message),
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

  private replay(message: JsMsg): void {
    try {
      if (message.subject === PolicyPublished.subjectPrefix) {
        this.remember(decodeEvent(PolicyPublished, message.data, message.subject).data);
      } else {
        const { outcome, revision } = decodeEvent(PolicyActivated, message.data, message.subject).data;
        if (outcome === 'active') {
          this.activated = revision;
          this.forgetOlder();
        }
      }
    } catch (error) {
      // The handler of the same message dead-letters it, with the reason.
      if (!(error instanceof UnreadableEvent)) throw error;
    }
  }

  private forgetOlder(): void {
    for (const revision of this.documents.keys()) if (revision < this.activated) this.documents.delete(revision);
  }
}
