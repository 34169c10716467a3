import type { SourcePace } from './engine.store.js';

/**
 * The age, in milliseconds, that a value may reach although its source works: it is confirmed by a sweep, and told again
 * only when it is fresher by a step.
 */
export function leastMaxAge(sources: Iterable<SourcePace>): number {
  return Math.max(
    0,
    ...[...sources].map(({ sweepInterval, freshnessStep }) => (sweepInterval + freshnessStep) * 1_000),
  );
}
