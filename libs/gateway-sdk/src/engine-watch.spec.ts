import { describe, expect, test } from '@jest/globals';
import { EngineWatch } from './engine-watch.js';

const watch = () => new EngineWatch({ maxSilenceMs: 300_000, maxBehindMs: 5_000 });

describe('the engine', () => {
  test('is silent until its first report has been heard and reached', () => {
    const engine = watch();
    expect(engine.state(0)).toBe('silent');
    engine.heard(10, 1_000);
    expect(engine.state(1_000)).toBe('silent');
    engine.reached(10);
    expect(engine.state(1_000)).toBe('fresh');
  });

  test('is fresh for as long as a silence may last, and silent after', () => {
    const engine = watch();
    engine.heard(0, 1_000);
    expect(engine.state(301_000)).toBe('fresh');
    expect(engine.state(301_001)).toBe('silent');
    engine.heard(0, 400_000);
    expect(engine.state(400_000)).toBe('fresh');
  });

  test('is ahead when the cache does not reach what it reported in time, however often it reports', () => {
    const engine = watch();
    engine.heard(0, 0);
    engine.heard(10, 1_000);
    expect(engine.state(6_000)).toBe('fresh');
    engine.heard(11, 6_000);
    expect(engine.state(6_001)).toBe('behind');
    engine.reached(10);
    expect(engine.state(6_001)).toBe('fresh');
    expect(engine.state(11_001)).toBe('behind');
    engine.reached(11);
    expect(engine.state(11_001)).toBe('fresh');
  });

  test('forgets nothing that is awaited, however many reports come', () => {
    const engine = watch();
    engine.heard(0, 0);
    for (let report = 1; report <= 500; report += 1) engine.heard(report, 1_000 + report);
    engine.reached(499);
    expect(engine.state(6_501)).toBe('behind');
    engine.reached(500);
    expect(engine.isWaiting).toBe(false);
    expect(engine.state(6_501)).toBe('fresh');
  });

  test('is silent and ahead no later when the clock is set back', () => {
    const engine = watch();
    engine.heard(0, 3_600_000);
    expect(engine.state(0)).toBe('fresh');
    expect(engine.state(300_001)).toBe('silent');
    engine.heard(10, 3_600_000);
    expect(engine.state(0)).toBe('fresh');
    expect(engine.state(5_001)).toBe('behind');
  });

  test('starts over with the stream', () => {
    const engine = watch();
    engine.heard(100, 0);
    engine.reached(100);
    engine.startOver();
    expect(engine.state(0)).toBe('silent');
    engine.heard(1, 1);
    expect(engine.state(1)).toBe('silent');
    engine.reached(1);
    expect(engine.state(1)).toBe('fresh');
  });

  test('is behind while the engine writes to another stream than the one that the cache was read from', () => {
    const engine = watch();
    engine.reached(10);
    engine.heard(10, 0);
    expect(engine.state(0)).toBe('fresh');
    engine.heard(3, 1_000, false);
    engine.heard(4, 6_000, false);
    expect(engine.state(6_000)).toBe('fresh');
    expect(engine.state(6_001)).toBe('behind');
    engine.heard(4, 7_000);
    expect(engine.state(7_000)).toBe('fresh');
  });

  test('is not trusted at first when the engine writes to another stream', () => {
    const engine = watch();
    engine.reached(10);
    engine.heard(10, 0, false);
    expect(engine.state(0)).toBe('silent');
  });
});
