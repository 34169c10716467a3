import { basename } from 'node:path';
import { MAX_POLICY_CHARACTERS, PolicyPublished } from '@stance/contracts';
import { ExpectationFailed, RetryLater, Unconfirmed, type EventPublisher } from '@stance/jetstream';
import { parsePolicy } from '@stance/policy';
import type { Logger } from '@stance/service-kit';
import { describeProblem } from './file-problem.js';
import type { FileOutcome } from './file-sync.js';
import type { PolicyHistory, PublishedPolicies } from './policy-history.js';
import { withSignature, type PolicySignatureFile, type SignedDocument } from './policy-signature.js';
import type { FileContent } from './watched-file.js';

const MAX_POLICY_BYTES = MAX_POLICY_CHARACTERS;
/** How often another's publication may come in between before it is left for later. */
const MAX_ATTEMPTS = 5;

/** As whose policies from a file are published; another file name is another file. */
export function publishedByFile(file: string): string {
  return `file:${basename(file)}`;
}

type Content = Pick<SignedDocument, 'sha256' | 'signedAt'>;

/**
 * Whether a document has to be published: not when it is in force already, and not when it was what this file last gave.
 * In the second case somebody published another policy since, and a restart must not take that back; a change of the file
 * does. A document that was signed, or signed anew, is news.
 */
export function hasToBePublished(
  file: Content,
  { last, lastFromFile }: Pick<PublishedPolicies, 'last' | 'lastFromFile'>,
): boolean {
  return isNews(file, last) && isNews(file, lastFromFile);
}

function isNews({ sha256, signedAt = -Infinity }: Content, before: Content | undefined): boolean {
  return sha256 !== before?.sha256 || signedAt > (before.signedAt ?? -Infinity);
}

/** Publishes a policy file when it changed. */
export class PolicySync {
  private present: Content | undefined;

  constructor(
    private readonly file: string,
    private readonly signatureFile: PolicySignatureFile,
    private readonly history: PolicyHistory,
    private readonly publisher: EventPublisher,
  ) {}

  /**
   * Publishes the document, with the signature beside it, unless it was. Rejects with `RetryLater` when NATS does not confirm
   * it.
   */
  async apply(document: string, beside: FileContent | undefined): Promise<FileOutcome> {
    this.present = undefined;
    const problems = problemsOf(document).map((problem) => describeProblem(this.file, problem));
    if (problems.length > 0) return { applied: false, problems };
    const read = withSignature(document, beside, this.signatureFile);
    if (!read.ok) return { applied: false, problems: [read.problem] };
    const { signed } = read;
    this.present = signed;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const published = this.history.current;
      if (!hasToBePublished(signed, published)) return this.unchanged(signed, published);
      const revision = published.revision + 1;
      if (await this.publish(signed, revision, published.lastSequence)) {
        await this.history.caughtUp();
        return { applied: true, summary: { revision, published: 'now' } };
      }
      await this.history.caughtUp();
    }
    throw new RetryLater('other policies were published at the same time');
  }

  /** What the engine has against the present content of the file; nothing while it is in force, or not looked at yet. */
  objections(): readonly string[] {
    const { last, lastFromFile } = this.history.current;
    const published = [last, lastFromFile].find((one) => one !== undefined && one.sha256 === this.present?.sha256);
    return (published?.refusal ?? []).map(({ message, ...place }) =>
      describeProblem(this.file, {
        ...place,
        message: `refused by the engine, as revision ${published?.revision}: ${message}`,
      }),
    );
  }

  logObjections(logger: Logger): void {
    for (const objection of this.objections()) logger.error(objection);
  }

  private unchanged({ sha256 }: SignedDocument, { revision, last }: PublishedPolicies): FileOutcome {
    const problems = this.objections();
    if (problems.length > 0) return { applied: false, problems };
    const inForce = sha256 === last?.sha256;
    return {
      applied: true,
      summary: { revision, published: inForce ? 'before' : 'before, and replaced since by another policy' },
    };
  }

  /** Whether it is stored; not when another policy was published first, or when nobody confirmed it. */
  private async publish(signed: SignedDocument, revision: number, lastSequence: number): Promise<boolean> {
    const { document, sha256, signature } = signed;
    const publishedBy = publishedByFile(this.file);
    const comment = `published from ${basename(this.file)}`;
    const data = { revision, document, sha256, publishedBy, comment, ...(signature !== undefined && { signature }) };
    const id = `config-sync:policy:${sha256}@${lastSequence}`;
    try {
      const cause = { txn: `policy:${revision}` };
      await this.publisher.publish(PolicyPublished, data, { id, cause, expectedSequence: lastSequence });
      return true;
    } catch (error) {
      if (error instanceof ExpectationFailed || error instanceof Unconfirmed) return false;
      throw error;
    }
  }
}

function problemsOf(document: string) {
  const bytes = Buffer.byteLength(document);
  if (bytes > MAX_POLICY_BYTES) return [{ message: `a policy takes at most 512 KiB, this one has ${bytes} bytes` }];
  const parsed = parsePolicy(document);
  return parsed.ok ? [] : parsed.errors;
}
