import { describe, expect, it } from '@jest/globals';
import { ManualClock } from './fixtures/manual-clock.js';
import { DOCUMENTED_RATES, RateLimits, TokenBucket } from './rate-limit.js';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Takes `count` tokens at once and notes in which order and when each was granted. */
function takeMany(bucket: TokenBucket, clock: ManualClock, count: number): { id: number; at: number }[] {
  const granted: { id: number; at: number }[] = [];
  for (let id = 0; id < count; id++) void bucket.take().then(() => granted.push({ id, at: clock.monotonic() }));
  return granted;
}

async function run(clock: ManualClock, ms: number): Promise<void> {
  await settle();
  for (let passed = 0; passed < ms; passed++) {
    clock.advance(1);
    await settle();
  }
}

describe('token bucket', () => {
  it('grants the burst at once and the rest at the rate, first come first served', async () => {
    const clock = new ManualClock();
    const granted = takeMany(new TokenBucket({ perSecond: 10, burst: 3 }, clock), clock, 6);
    await run(clock, 400);
    expect(granted).toEqual([
      { id: 0, at: 0 },
      { id: 1, at: 0 },
      { id: 2, at: 0 },
      { id: 3, at: 100 },
      { id: 4, at: 200 },
      { id: 5, at: 300 },
    ]);
  });

  it('never grants more than burst plus rate times time, whatever the pattern', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 25, burst: 1 }, clock);
    const granted = takeMany(bucket, clock, 200);
    await run(clock, 1000);
    // At 0, 40, 80 ... 1000.
    expect(granted).toHaveLength(26);
    expect(bucket.waiting).toBe(174);
  });

  it('saves up no more than the burst while idle', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, clock);
    clock.advance(60_000);
    const granted = takeMany(bucket, clock, 5);
    await settle();
    expect(granted).toHaveLength(2);
  });

  it('does not let a newcomer overtake those who wait', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 }, clock);
    const granted = takeMany(bucket, clock, 2);
    clock.advance(99);
    void bucket.take().then(() => granted.push({ id: 99, at: clock.monotonic() }));
    await run(clock, 200);
    expect(granted.map(({ id }) => id)).toEqual([0, 1, 99]);
  });

  it('lets a patient caller be overtaken once, by whoever is in a hurry, and no more', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 }, clock);
    await bucket.take();
    const granted: string[] = [];
    const take = (name: string, patient: boolean) =>
      void bucket.take(undefined, patient).then(() => granted.push(name));
    take('sweep', true);
    take('other sweep', true);
    take('poll', false);
    take('next poll', false);
    await run(clock, 400);
    expect(granted).toEqual(['poll', 'sweep', 'other sweep', 'next poll']);
  });

  it('gives an aborted caller its reason and its place to the next', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 }, clock);
    await bucket.take();
    const controller = new AbortController();
    const aborted = bucket.take(controller.signal);
    const next = bucket.take();
    controller.abort(new Error('shutting down'));
    await expect(aborted).rejects.toThrow('shutting down');
    clock.advance(100);
    await next;
    await expect(bucket.take(controller.signal)).rejects.toThrow('shutting down');
    expect(bucket.waiting).toBe(0);
  });

  it('lets nobody through while it is closed, and the longest closing counts', async () => {
    const clock = new ManualClock();
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, clock);
    bucket.close(2_000);
    bucket.close(500);
    const granted = takeMany(bucket, clock, 1);
    clock.advance(1_999);
    await settle();
    expect(granted).toEqual([]);
    clock.advance(1);
    await settle();
    expect(granted).toEqual([{ id: 0, at: 2_000 }]);
  });

  it.each([
    { perSecond: 0, burst: 1 },
    { perSecond: 1, burst: 0 },
    { perSecond: Number.NaN, burst: 1 },
  ])('refuses the rate %j', (rate) => {
    expect(() => new TokenBucket(rate)).toThrow(RangeError);
  });
});

describe('rate limits of one token', () => {
  it('hold the documented rates', () => {
    expect(DOCUMENTED_RATES).toMatchObject({
      '/agents': { perSecond: 25, burst: 1 },
      '/threats': { perSecond: 10, burst: 50 },
      '/activities': { perSecond: 10, burst: 30 },
      '/users': { perSecond: 40, burst: 80 },
    });
  });

  it('use one bucket for an endpoint and all below it, and another for each other endpoint', () => {
    const limits = new RateLimits(new ManualClock());
    expect(limits.bucketFor('/agents/count')).toBe(limits.bucketFor('/agents'));
    expect(limits.bucketFor('/users/viewer-auth-check')).not.toBe(limits.bucketFor('/user'));
    expect(limits.bucketFor('/threats')).not.toBe(limits.bucketFor('/agents'));
    expect(limits.bucketFor('/exclusions')).toBe(limits.bucketFor('/hashes'));
  });
});
