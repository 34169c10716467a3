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
  /** The content of its signature file. */
  readonly signature?: string | undefined;
}

/** What the engine made of a publication. */
export type Activation = DataOf<typeof PolicyActivated>;

/** A publication by its place in the stream; both 0 where there is none. */
export interface Publication {
  readonly revision: number;
  readonly sequence: number;
}

/** Thrown when somebody published after what this publication was decided on. */
class PolicyOvertaken extends WrongUsage {
  constructor({ revision }: Publication) {
    super(
      `somebody else published a policy after revision ${revision}, so nothing was published: look at \`stance policy history\`, then decide again`,
    );
  }
}

/** Thrown when others keep publishing at the same time. */
class PolicyContended extends Unreachable {
  constructor() {
    super('somebody else publishes policies at this moment: look at `stance policy history`, then publish again');
  }
}

const STREAM = PolicyPublished.stream?.name ?? '';
const MAX_ATTEMPTS = 5;

/**
 * Publishes a policy as the next revision; resolves to the revision, and where to look for the engine's answer. With
 * `after`, only as long as that is the newest publication. Throws {@link PolicyOvertaken}, {@link PolicyContended},
 * `Unconfirmed`.
 */
export async function publishPolicy(
  stack: Stack,
  policy: NewPolicy,
  { after }: { after?: Publication | undefined } = {},
): Promise<Publication> {
  const publisher = new EventPublisher(stack.connection, 'cli');
  const { document, publishedBy, comment, signature } = policy;
  const sha256 = createHash('sha256').update(document).digest('hex');
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const last = after ?? (await lastPublication(stack));
    const revision = last.revision + 1;
    const data = {
      revision,
      document,
      sha256,
      publishedBy,
      ...(comment !== undefined && { comment }),
      ...(signature !== undefined && { signature }),
    };
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
      if (after !== undefined) throw new PolicyOvertaken(after);
    }
  }
  throw new PolicyContended();
}

/** The newest publication, whatever became of it. Throws {@link WrongUsage} for one that cannot be read. */
export async function lastPublication({ manager }: Stack): Promise<Publication> {
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
  { revision, sequence }: Publication,
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
