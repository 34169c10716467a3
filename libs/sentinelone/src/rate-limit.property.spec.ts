import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { ManualClock } from './fixtures/manual-clock.js';
import { DOCUMENTED_RATES, RateLimits, type Rate } from './rate-limit.js';

interface Arrival {
  /** Milliseconds after the arrival before. */
  readonly after: number;
  readonly endpoint: string;
  /** Gives up its place at once when true. */
  readonly aborted: boolean;
}

const ENDPOINTS = Object.keys(DOCUMENTED_RATES);
const arrivals = fc.array(
  fc.record<Arrival>({
    // Mostly in crowds, now and then after a rest in which a burst is saved up.
    after: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(60) }, fc.nat(20_000)),
    endpoint: fc.constantFrom(...ENDPOINTS),
    aborted: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  }),
  { minLength: 1, maxLength: 200 },
);

const settled = async (): Promise<void> => {
  for (let tick = 0; tick < 4; tick++) await Promise.resolve();
};

/** Lets workers that share one budget arrive as given, and notes when each was let through. */
async function grants(
  limits: RateLimits,
  clock: ManualClock,
  given: readonly Arrival[],
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(ENDPOINTS.map((endpoint) => [endpoint, []]));
  for (const { after, endpoint, aborted } of given) {
    clock.schedule(() => undefined, after);
    for (const until = clock.monotonic() + after; clock.monotonic() < until;) {
      clock.advanceToNext();
      await settled();
    }
    const controller = new AbortController();
    const turn = limits.bucketFor(endpoint).take(controller.signal);
    turn.then(
      () => times.get(endpoint)?.push(clock.monotonic()),
      () => undefined,
    );
    if (aborted) controller.abort();
    await settled();
  }
  while (clock.advanceToNext()) await settled();
  return times;
}

/** Whether a console that keeps a bucket of this rate refuses none of these requests. */
function isWithin({ perSecond, burst }: Rate, times: readonly number[]): boolean {
  let tokens = burst;
  let last = 0;
  return times.every((time) => {
    tokens = Math.min(burst, tokens + ((time - last) * perSecond) / 1000) - 1;
    last = time;
    return tokens > -1e-6;
  });
}

describe('workers that share one budget', () => {
  it('together never exceed a documented rate or burst, however they arrive, and everybody gets through', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (given) => {
        const clock = new ManualClock();
        const times = await grants(new RateLimits(clock), clock, given);
        for (const [endpoint, rate] of Object.entries(DOCUMENTED_RATES)) {
          expect([endpoint, isWithin(rate, times.get(endpoint) ?? [])]).toEqual([endpoint, true]);
        }
        const waited = given.filter(({ aborted }) => !aborted).length;
        const passed = [...times.values()].flat().length;
        expect(passed).toBeGreaterThanOrEqual(waited);
        expect(passed).toBeLessThanOrEqual(given.length);
      }),
      { numRuns: 200 },
    );
  });

  it('wait all of them when the console asks the token to wait', async () => {
    const anyWait = fc.integer({ min: 1, max: 60_000 });
    await fc.assert(
      fc.asyncProperty(arrivals, anyWait, async (given, wait) => {
        const clock = new ManualClock();
        const limits = new RateLimits(clock);
        limits.close(wait);
        const times = await grants(limits, clock, given);
        expect(Math.min(Infinity, ...[...times.values()].flat())).toBeGreaterThanOrEqual(
          given.every(({ aborted }) => aborted) ? 0 : wait,
        );
      }),
      { numRuns: 50 },
    );
  });
});
