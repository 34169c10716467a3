import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { MAX_POLICY_CHARACTERS, PolicyPublished } from '@stance/contracts';
import { ExpectationFailed, newTraceparent, RetryLater, Unconfirmed, type EventPublisher } from '@stance/jetstream';
import { parsePolicy } from '@stance/policy';
import { describeProblem } from './file-problem.js';
import type { FileOutcome } from './file-sync.js';
import type { PolicyHistory, PublishedPolicies } from './policy-history.js';

const MAX_POLICY_BYTES = MAX_POLICY_CHARACTERS;
/** How often another's publication may come in between before it is left for later. */
const MAX_ATTEMPTS = 5;

/** How policies from a file are signed; another file name is another file. */
export function publishedByFile(file: string): string {
  return `file:${basename(file)}`;
}

/**
 * Whether a document has to be published: not when it is in force already, and not when it was what this file last gave.
 * In the second case somebody published another policy since, and a restart must not take that back; a change of the file
 * does.
 */
export function hasToBePublished(sha256: string, { lastSha256, lastFromFile }: PublishedPolicies): boolean {
  return sha256 !== lastSha256 && sha256 !== lastFromFile;
}

/** Publishes a policy file when it changed. */
export class PolicySync {
  constructor(
    private readonly file: string,
    private readonly history: PolicyHistory,
    private readonly publisher: EventPublisher,
  ) {}

  /** Publishes the document unless it was. Rejects with `RetryLater` when NATS does not confirm it. */
  async apply(document: string): Promise<FileOutcome> {
    const problems = problemsOf(document).map((problem) => describeProblem(this.file, problem));
    if (problems.length > 0) return { applied: false, problems };
    const sha256 = createHash('sha256').update(document).digest('hex');
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const published = this.history.current;
      if (!hasToBePublished(sha256, published)) return this.unchanged(sha256, published);
      const revision = published.revision + 1;
      if (await this.publish(document, sha256, revision, published.lastSequence)) {
        await this.history.caughtUp();
        return { applied: true, summary: { revision, published: 'now' } };
      }
      await this.history.caughtUp();
    }
    throw new RetryLater('other policies were published at the same time');
  }

  private unchanged(sha256: string, { revision, lastSha256 }: PublishedPolicies): FileOutcome {
    const inForce = sha256 === lastSha256;
    return {
      applied: true,
      summary: { revision, published: inForce ? 'before' : 'before, and replaced since by another policy' },
    };
  }

  /** Whether it is stored; not when another policy was published first, or when nobody confirmed it. */
  private async publish(document: string, sha256: string, revision: number, lastSequence: number): Promise<boolean> {
    const publishedBy = publishedByFile(this.file);
    const data = { revision, document, sha256, publishedBy, comment: `published from ${basename(this.file)}` };
    const id = `config-sync:policy:${sha256}@${lastSequence}`;
    try {
      const cause = { txn: `policy:${revision}`, traceparent: newTraceparent() };
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
