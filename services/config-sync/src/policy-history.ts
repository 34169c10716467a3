import type { JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { filterOf, PolicyActivated, PolicyPublished, STREAMS, UnreadableEvent } from '@stance/contracts';
import { decodeStored, WarmStream } from '@stance/jetstream';
import type { WarmTable } from '@stance/service-kit';
import type { FileProblem } from './file-problem.js';
import { signedAtOf } from './policy-signature.js';

/** A policy that was published. */
export interface Publication {
  readonly revision: number;
  readonly sha256: string;
  /** When it was signed, as its signature says; undefined where it has none. */
  readonly signedAt: number | undefined;
  /** Why the engine refused it. */
  readonly refusal?: readonly FileProblem[];
}

/** What was published so far, as far as the next policy from a file depends on it. */
export interface PublishedPolicies {
  /** The highest revision; 0 before the first. */
  readonly revision: number;
  /** Whoever published it. */
  readonly last: Publication | undefined;
  readonly lastFromFile: Publication | undefined;
  /** The sequence of the last message, which the next one replaces; 0 before the first. */
  readonly lastSequence: number;
}

/** Follows every policy ever published, and the engine's word on it, and keeps what {@link PublishedPolicies} needs, never a document. */
export class PolicyHistory extends WarmStream implements WarmTable {
  private published: PublishedPolicies = {
    revision: 0,
    last: undefined,
    lastFromFile: undefined,
    lastSequence: 0,
  };

  constructor(
    connection: NatsConnection,
    /** `publishedBy` of policies from the file. */
    private readonly publishedBy: string,
    /** Called when the engine refused one of the two that are kept. */
    private readonly onRefused: () => void,
  ) {
    super(connection, { stream: STREAMS.POLICIES.name, from: { sequence: 1 } });
  }

  get current(): PublishedPolicies {
    return this.published;
  }

  protected take(message: JsMsg): void {
    if (message.subject === filterOf(PolicyPublished)) this.takePublication(message);
    else this.takeWord(message);
  }

  private takePublication(message: JsMsg): void {
    const lastSequence = message.seq;
    try {
      const { data } = decodeStored(PolicyPublished, message);
      const { revision, sha256, signature } = data;
      const last = { revision, sha256, signedAt: signedAtOf(signature) };
      this.published = {
        revision: Math.max(this.published.revision, revision),
        last,
        lastFromFile: data.publishedBy === this.publishedBy ? last : this.published.lastFromFile,
        lastSequence,
      };
    } catch (error) {
      if (!(error instanceof UnreadableEvent)) throw error;
      // Not a policy, so in force nowhere; the next one is published behind it all the same.
      this.published = { ...this.published, lastSequence };
    }
  }

  private takeWord(message: JsMsg): void {
    try {
      const { revision, outcome, errors } = decodeStored(PolicyActivated, message).data;
      const { last, lastFromFile } = this.published;
      if (outcome !== 'refused' || ![last?.revision, lastFromFile?.revision].includes(revision)) return;
      const refusal = errors.map(({ message, line, column }) => ({
        message,
        ...(line !== undefined && { line }),
        ...(column !== undefined && { column }),
      }));
      const refused = (one: Publication | undefined) => (one?.revision === revision ? { ...one, refusal } : one);
      this.published = { ...this.published, last: refused(last), lastFromFile: refused(lastFromFile) };
      this.onRefused();
    } catch (error) {
      // No word of the engine, so nothing is known of it.
      if (!(error instanceof UnreadableEvent)) throw error;
    }
  }
}
