import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { PolicyActivated, PolicyPublished, STREAMS, UnreadableEvent } from '@stance/contracts';
import { decodeStored, WarmStream } from '@stance/jetstream';
import type { Mode } from '@stance/policy';
import type { PolicyAdmins } from '@stance/policy-signature';
import type { WarmTable } from '@stance/service-kit';
import { admit, type Admission, type VerifiedSignature } from './admission.js';
import { reloadPolicy, type LoadedPolicy, type PublishedPolicy, type UsablePolicy } from './loaded-policy.js';
import type { SigningRule } from './signing.settings.js';

/** Why nothing is in force where policies were signed and the keys are gone. */
const LACKS_KEYS =
  'policies were signed so far, and this engine has no keys to verify them by: set STANCE_POLICY_KEYS_FILE and STANCE_INSTALLATION, ' +
  'or STANCE_POLICY_SIGNATURES=off if they need no signature any more';

/** How policies have to be signed. */
export interface Signing {
  readonly rule: SigningRule;
  /** The newest revision by which anything was decided. */
  readonly decidedRevision: () => number;
}

/** An activation in the log that does not count, and why. */
export interface UnverifiedActivation {
  readonly revision: number;
  readonly reason: string;
}

/**
 * Which policy is in force, by the log of what was published and activated. The log decides, not the newest document: a
 * refused revision leaves the one before in force, and a revision that once was active is never silently replaced by an
 * older one when it no longer loads. One in report mode runs beside the one in force, until the next one comes into force.
 *
 * Where policies are signed, the log is not believed: an activation counts if its policy is verified (docs/adr/0013). Where they
 * were signed and there are no keys any more, none is in force unless that is said to be meant.
 */
export class PolicyLog extends WarmStream implements WarmTable {
  private readonly documents = new Map<number, PublishedPolicy>();
  private readonly digests = new Map<number, string>();
  private activated = 0;
  private reported = 0;
  private loaded: LoadedPolicy | undefined;
  private loadedReport: LoadedPolicy | undefined;
  /** Of the newest policy that came into force, or beside it. */
  private lastSignature: VerifiedSignature | undefined;
  /** By revision, those that are newer than the policy in force. */
  private readonly unverified = new Map<number, string>();
  /** Whose signature the last activation says that it has. */
  private claimedSigner: string | undefined;
  private replayed = 0;

  constructor(
    connection: NatsConnection,
    private readonly signing: Signing = { rule: 'off', decidedRevision: () => 0 },
  ) {
    super(connection, { stream: STREAMS.POLICIES.name, from: { sequence: 1 } });
  }

  /**
   * The policy in force; `undefined` before the first one, `ok: false` when the active revision does not load, is by now signed
   * by nobody who may, or was signed and there are no keys to verify it by.
   */
  get active(): LoadedPolicy | undefined {
    if (this.lacksKeys) return { ok: false, revision: this.activated, errors: [{ message: LACKS_KEYS }] };
    const lapsed = this.unverified.size === 0 ? undefined : this.lapsed();
    if (lapsed !== undefined) return lapsed;
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

  get needsSignature(): boolean {
    return this.admins !== undefined;
  }

  /** Whether policies were signed so far, and this engine has no keys to verify them by although nobody says that it needs none. */
  get lacksKeys(): boolean {
    return this.signing.rule === 'if-before' && this.claimedSigner !== undefined;
  }

  /** The last sequence that was read before the engine became active. */
  get readUpTo(): number {
    return this.replayed;
  }

  /** Of the policy in force, or the newer one beside it; `undefined` where none has to be signed, or none is in force. */
  get signature(): VerifiedSignature | undefined {
    return this.lastSignature;
  }

  /** The newest activation that does not count; `undefined` since a newer policy that does is in force. */
  get unverifiedActivation(): UnverifiedActivation | undefined {
    return [...this.unverified].map(([revision, reason]) => ({ revision, reason })).at(-1);
  }

  /** Whether a publication may come into force at `at` (milliseconds since the epoch), as far as signatures go. */
  admission(published: PublishedPolicy, at: number): Admission {
    if (this.lacksKeys) return { ok: false, reason: LACKS_KEYS };
    return admit(published, this.admins, this.lastSignature, at);
  }

  /**
   * Looks at an activation that was stored at `at` while the engine is active; `seen` is what was published under its revision
   * meanwhile. The activation, if it does not count and is the first of its revision that does not. Puts nothing into force.
   */
  examine(revision: number, seen: PublishedPolicy | undefined, at: number): UnverifiedActivation | undefined {
    if (this.admins === undefined || !this.isNewerThanActive(revision) || this.unverified.has(revision))
      return undefined;
    const admission = this.admissionOf(this.documents.get(revision) ?? seen, this.admins, at);
    if (admission.ok) return undefined;
    this.unverified.set(revision, admission.reason);
    return { revision, reason: admission.reason };
  }

  /** Puts a revision into force that `loadPolicy` has accepted, or beside it if it only reports. */
  activate(policy: UsablePolicy, signature: VerifiedSignature | undefined): void {
    this.lastSignature = signature;
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

  /** Whether anything was published under a revision that is not older than the policy in force. */
  isPublished(revision: number): boolean {
    return this.digests.has(revision);
  }

  /** A refused document is not needed again; its revision stays taken. What is in force is not refused by anybody's word. */
  refused(revision: number): void {
    if (revision === this.activated || revision === this.reported) return;
    this.documents.delete(revision);
  }

  private get admins(): PolicyAdmins | undefined {
    return typeof this.signing.rule === 'string' ? undefined : this.signing.rule;
  }

  protected take(message: JsMsg): void {
    this.replayed = message.seq;
    try {
      if (message.subject === PolicyPublished.subjectPrefix) {
        this.remember(decodeStored(PolicyPublished, message).data);
      } else {
        const { outcome, revision, mode, signer } = decodeStored(PolicyActivated, message).data;
        if (outcome === 'refused') return this.refused(revision);
        this.claimedSigner = signer;
        if (this.admins === undefined) this.settle(revision, mode ?? 'enforce');
        else this.replaySigned(revision, this.admins, message.time.getTime());
      }
    } catch (error) {
      // The handler of the same message dead-letters it, with the reason.
      if (!(error instanceof UnreadableEvent)) throw error;
    }
  }

  /** Nothing of the activation is believed but the time; also whether the policy decides is read in the policy. */
  private replaySigned(revision: number, admins: PolicyAdmins, at: number): void {
    if (!this.isNewerThanActive(revision)) return;
    const admission = this.admissionOf(this.documents.get(revision), admins, at);
    if (!admission.ok) {
      this.unverified.set(revision, admission.reason);
      return;
    }
    const loaded = this.loadRevision(revision);
    this.lastSignature = admission.signature;
    this.settle(revision, loaded.ok ? loaded.compiled.policy.mode : 'enforce');
  }

  private admissionOf(published: PublishedPolicy | undefined, admins: PolicyAdmins, at: number): Admission {
    if (published === undefined) return { ok: false, reason: 'its document is missing from the log, or was refused' };
    return admit(published, admins, this.lastSignature, at);
  }

  /**
   * A policy by which was decided, and that is not verified any more, such as when its key was taken away: no older one takes
   * its place by itself. So with the first keys, where nothing was ever signed. A forgery has decided nothing.
   */
  private lapsed(): LoadedPolicy | undefined {
    const decided = this.signing.decidedRevision();
    const newest = this.activated === 0 ? this.unverifiedActivation?.revision : undefined;
    const revision = this.unverified.has(decided) ? decided : newest;
    if (revision === undefined) return undefined;
    return { ok: false, revision, errors: [{ message: this.unverified.get(revision) ?? '' }] };
  }

  private loadRevision(revision: number): LoadedPolicy {
    const document = this.documents.get(revision);
    if (document !== undefined) return reloadPolicy(document);
    return { ok: false, revision, errors: [{ message: 'its document is missing from the log' }] };
  }

  private settle(revision: number, mode: Mode): void {
    if (mode === 'report') {
      this.reported = revision;
      this.unverified.delete(revision);
      return;
    }
    this.activated = revision;
    this.reported = 0;
    for (const other of this.unverified.keys()) if (other <= revision) this.unverified.delete(other);
    for (const earlier of this.digests.keys()) {
      if (earlier >= revision) continue;
      this.digests.delete(earlier);
      this.documents.delete(earlier);
    }
  }
}
