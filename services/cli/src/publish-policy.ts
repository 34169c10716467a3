import { createHash, randomUUID } from 'node:crypto';
import { PolicyActivated, PolicyPublished, subjectOf, type DataOf } from '@stance/contracts';
import { EventPublisher, ExpectationFailed, newTraceparent, StreamFollower } from '@stance/jetstream';
import { Unreachable, WrongUsage } from './errors.js';
import { decodeOrSkip } from './read-table.js';
import type { Stack } from './stack.js';

export interface NewPolicy {
  readonly document: string;
  readonly publishedBy: string;
  readonly comment: string | undefined;
}

/** What the engine made of a publication. */
export type Activation = DataOf<typeof PolicyActivated>;

/** Thrown when others keep publishing at the same time. */
class PolicyContended extends Unreachable {
  constructor() {
    super('somebody else publishes policies at this moment: look at `stance policy history`, then publish again');
  }
}

const STREAM = PolicyPublished.stream?.name ?? '';
const MAX_ATTEMPTS = 5;

/**
 * Publishes a policy as the next revision; resolves to the revision, and where to look for the engine's answer. Throws
 * {@link PolicyContended}, `Unconfirmed`.
 */
export async function publishPolicy(stack: Stack, policy: NewPolicy): Promise<{ revision: number; sequence: number }> {
  const publisher = new EventPublisher(stack.connection, 'cli');
  const { document, publishedBy, comment } = policy;
  const sha256 = createHash('sha256').update(document).digest('hex');
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const last = await lastPublication(stack);
    const revision = last.revision + 1;
    const data = { revision, document, sha256, publishedBy, ...(comment !== undefined && { comment }) };
    const cause = { txn: randomUUID(), traceparent: newTraceparent(), observedat: new Date().toISOString() };
    try {
      const { sequence } = await publisher.publish(PolicyPublished, data, {
        // Not derived from the revision: two people who race for one must not count as one message.
        id: `cli:policy:${randomUUID()}`,
        cause,
        expectedSequence: last.sequence,
      });
      return { revision, sequence };
    } catch (error) {
      if (!(error instanceof ExpectationFailed)) throw error;
    }
  }
  throw new PolicyContended();
}

async function lastPublication({ manager }: Stack): Promise<{ revision: number; sequence: number }> {
  const subject = subjectOf(PolicyPublished, {});
  const message = await manager.streams.getMessage(STREAM, { last_by_subj: subject });
  if (message === null) return { revision: 0, sequence: 0 };
  const event = decodeOrSkip(PolicyPublished, message.data, subject);
  if (event === undefined) {
    throw new WrongUsage(
      `the last policy in ${STREAM} (sequence ${message.seq}) is unreadable, so the next revision is not known: ask who wrote it`,
    );
  }
  return { revision: event.data.revision, sequence: message.seq };
}

/** What the engine says of a revision or a later one; `undefined` when it says nothing in time. */
export async function awaitActivation(
  stack: Stack,
  { revision, sequence }: { revision: number; sequence: number },
  timeoutMs: number,
): Promise<Activation | undefined> {
  const { promise, resolve } = Promise.withResolvers<Activation | undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  const follower = await StreamFollower.start(
    stack.connection,
    { stream: STREAM, filter: subjectOf(PolicyActivated, {}), from: { sequence: sequence + 1 } },
    (message) => {
      const event = decodeOrSkip(PolicyActivated, message.data, message.subject);
      if (event !== undefined && event.data.revision >= revision) resolve(event.data);
    },
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await follower.stop();
  }
}
