import { randomUUID } from 'node:crypto';
import { OperatorActed, type DataOf } from '@stance/contracts';
import { EventPublisher, ExpectationFailed, newTraceparent } from '@stance/jetstream';
import { WrongUsage } from './errors.js';
import type { Stack } from './stack.js';

export type Act = DataOf<typeof OperatorActed>;

/** Thrown when somebody else did the same to the same thing after this command had looked. */
class ActedMeanwhile extends WrongUsage {
  constructor({ kind, targetId }: Act) {
    super(
      `somebody else stored a ${kind} for ${targetId} at this moment, so nothing was done: look again, then decide`,
    );
  }
}

/**
 * Stores what a person does, provided that the last of its kind for its target still has the sequence that was looked at
 * (0: that there is none). Throws {@link ActedMeanwhile}, `Unconfirmed`, `UnusableId`.
 */
export async function act(stack: Stack, data: Act, expectedSequence: number): Promise<void> {
  const publisher = new EventPublisher(stack.connection, 'cli');
  const cause = { txn: randomUUID(), traceparent: newTraceparent(), observedat: new Date().toISOString() };
  try {
    await publisher.publish(OperatorActed, data, { id: `cli:${data.kind}:${randomUUID()}`, cause, expectedSequence });
  } catch (error) {
    if (error instanceof ExpectationFailed) throw new ActedMeanwhile(data);
    throw error;
  }
}
