import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { rateOutlook } from './rate-outlook.js';

const every = (pollIntervalMs: number, sweepIntervalMs = 900_000) => ({ pollIntervalMs, sweepIntervalMs });

describe('what the documented rate allows for a fleet', () => {
  it.each([
    // agents, pages, seconds of a sweep at 22.5 requests/s
    [0, 1, 0.044],
    [1_000, 1, 0.044],
    [1_001, 2, 0.089],
    [100_000, 100, 4.444],
  ])('%i agents are %i pages, %f s', (agents, pages, seconds) => {
    const outlook = rateOutlook({ agents, ...every(10_000) });
    expect(outlook).toMatchObject({ pages, perSecond: 22.5, documentedPerSecond: 25 });
    expect(outlook.sweepSeconds).toBeCloseTo(seconds, 3);
    expect(outlook.load).toBeLessThan(0.02);
  });

  it.each([
    ['a request to the threats per poll, at a lower rate than to the agents', 1_000, every(100), 1.11],
    ['two requests to the agents per poll, beside sweeps', 22_500, every(120, 2_000), 1.25],
    ['a sweep of as many seconds as it is apart', 22_500, every(10_000, 1_000), 1.03],
  ])('%s can be too much', (_, agents, intervals, load) => {
    expect(rateOutlook({ agents, ...intervals }).load).toBeCloseTo(load, 2);
  });

  it('no poll interval holds beside sweeps that take everything', () => {
    const outlook = rateOutlook({ agents: 100_000, ...every(10_000, 4_000) });
    expect(outlook.shortestPollMs).toBeUndefined();
    expect(outlook.shortestSweepMs).toBe(4_445);
  });

  it('the shortest poll interval that it names is one that holds, and half of it does not', () => {
    const fleet = fc.record({
      agents: fc.nat(500_000),
      pollIntervalMs: fc.integer({ min: 40, max: 3_600_000 }),
      sweepIntervalMs: fc.integer({ min: 1_000, max: 86_400_000 }),
    });
    fc.assert(
      fc.property(fleet, (given) => {
        const { shortestPollMs } = rateOutlook(given);
        if (shortestPollMs === undefined) return;
        expect(rateOutlook({ ...given, pollIntervalMs: shortestPollMs }).load).toBeLessThanOrEqual(1);
        expect(rateOutlook({ ...given, pollIntervalMs: shortestPollMs / 2 }).load).toBeGreaterThan(1);
      }),
    );
  });
});
