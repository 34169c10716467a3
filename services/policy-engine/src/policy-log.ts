import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent, PolicyActivated, PolicyPublished, STREAMS, UnreadableEvent } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import type { Mode } from '@stance/policy';
import type { WarmTable } from '@stance/service-kit';
import { reloadPolicy, type LoadedPolicy, type PublishedPolicy, type UsablePolicy } from './loaded-policy.js';

/**
 * Which policy is in force, by the log of what was published and activated. The log decides, not the newest document: a
 * refused revision leaves the one before in force, and a revision that once was active is never silently replaced by an
 * older one when it no longer loads. One in report mode runs beside the one in force, until the next one comes into force.
 */
export class PolicyLog implements WarmTable {
  readonly stream = STREAMS.POLICIES.name;
  private readonly documents = new Map<number, PublishedPolicy>();
  private readonly digests = new Map<number, string>();
  private follower: StreamFollower | undefined;
  private activated = 0;
  private reported = 0;
  private loaded: LoadedPolicy | undefined;
  private loadedReport: LoadedPolicy | undefined;

  constructor(private readonly connection: NatsConnection) {}

  /** The policy in force; `undefined` before the first one, `ok: false` when the active revision does not load. */
  get active(): LoadedPolicy | undefined {
    if (this.activated === 0) return undefined;
    if (this.loaded?.revision !== this.activated) this.loaded = this.loadRevision(this.activated);
    return this.loaded;
  }

  /** The policy in report mode that runs beside the one in force; `undefined` where there is none that loads. */
  get reporting(): UsablePolicy | undefined {
    if (this.reported === 0) return undefined;
    if (this.loadedReport?.revision !== this.reported) this.loadedReport = this.loadRevision(this.reported);
    return this.loadedReport.ok ? this.loadedReport : undefined;
  }

  /** Puts a revision into force that `loadPolicy` has accepted, or beside it if it only reports. */
  activate(policy: UsablePolicy): void {
    if (policy.compiled.policy.mode === 'report') {
      this.loadedReport = policy;
      this.settle(policy.revision, 'report');
    } else {
      this.loaded = policy;
      this.settle(policy.revision, 'enforce');
    }
  }

  /** Whether a revision is newer than all that came into force, or beside what is. */
  isNewerThanActive(revision: number): boolean {
    return revision > this.activated && revision > this.reported;
  }

  /** Keeps a document until a newer one is in force. The first of a revision counts: one put into force never changes. */
  remember(published: PublishedPolicy): void {
    const { revision } = published;
    if (revision < this.activated || this.digests.has(revision)) return;
    this.digests.set(revision, published.sha256);
    this.documents.set(revision, published);
  }

  /** Whether another document was published under the same revision before. */
  isTaken({ revision, sha256 }: PublishedPolicy): boolean {
    const first = this.digests.get(revision);
    return first !== undefined && first !== sha256;
  }

  /** A refused document is not needed again; its revision stays taken. */
  refused(revision: number): void {
    this.documents.delete(revision);
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
        const { outcome, revision, mode } = decodeEvent(PolicyActivated, message.data, message.subject).data;
        if (outcome === 'active') this.settle(revision, mode ?? 'enforce');
        else this.refused(revision);
      }
    } catch (error) {
      // The handler of the same message dead-letters it, with the reason.
      if (!(error instanceof UnreadableEvent)) throw error;
    }
  }

  private loadRevision(revision: number): LoadedPolicy {
    const document = this.documents.get(revision);
    if (document !== undefined) return reloadPolicy(document);
    return { ok: false, revision, errors: [{ message: 'its document is missing from the log' }] };
  }

  private settle(revision: number, mode: Mode): void {
    if (mode === 'report') {
      this.reported = revision;
      return;
    }
    this.activated = revision;
    this.reported = 0;
    for (const earlier of this.digests.keys()) {
      if (earlier >= revision) continue;
      this.digests.delete(earlier);
      this.documents.delete(earlier);
    }
  }
}
