import { setTimeout as delay } from 'node:timers/promises';
import { GetEngineStatus, type EngineStatus } from '@stance/contracts';
import { ask, ServiceUnavailable } from '@stance/jetstream';
import { Unreachable } from './errors.js';
import type { Stack } from './stack.js';

export type Review = NonNullable<EngineStatus['review']>;
export type ReviewOutcome = 'reviewed' | 'superseded' | 'interrupted';

/** Often enough for a person, and nothing to an engine that is deciding about a fleet. */
const POLL_MS = 1_000;

/**
 * Waits until the engine has decided about every device by an activated revision, or a later one took its place. Throws
 * {@link Unreachable} where the engine stops answering.
 */
export async function awaitReview(
  stack: Stack,
  revision: number,
  onProgress: (review: Review) => void,
  signal: AbortSignal,
): Promise<ReviewOutcome> {
  while (!signal.aborted) {
    const { policyRevision, reportingRevision = 0, review } = await engineStatus(stack, revision);
    if (policyRevision > revision || reportingRevision > revision) return 'superseded';
    // Between the activation and the review that follows the engine may still tell of the revision before.
    const isActive = policyRevision === revision || reportingRevision === revision;
    if (isActive && review === null) return 'reviewed';
    if (isActive && review !== null) onProgress(review);
    // Rejects when the person has had enough, which the loop looks at.
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
  return 'interrupted';
}

async function engineStatus({ connection }: Stack, revision: number): Promise<EngineStatus> {
  try {
    return await ask(connection, GetEngineStatus, {});
  } catch (error) {
    if (!(error instanceof ServiceUnavailable)) throw error;
    throw new Unreachable(
      `revision ${revision} is active, but policy-engine no longer answers how far its review is: see \`stance status\``,
      { cause: error },
    );
  }
}
