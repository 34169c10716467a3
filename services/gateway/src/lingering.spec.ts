import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Lingering } from './lingering.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function lingering(live: ReadonlySet<string> = new Set()) {
  const ended: [string, number][] = [];
  const lingers = new Lingering({
    forMs: 30_000,
    isLive: (grantId) => live.has(grantId),
    end: (grantId, since) => void ended.push([grantId, since]),
  });
  return { lingers, ended };
}

test('what nobody came back to is ended, counted from the last that left', () => {
  const { lingers, ended } = lingering();
  lingers.begin('s1');
  jest.advanceTimersByTime(29_000);
  lingers.begin('s1');
  const since = Date.now();
  jest.advanceTimersByTime(29_999);
  expect(ended).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(ended).toEqual([['s1', since]]);
});

test('what is live again goes on', () => {
  const { lingers, ended } = lingering(new Set(['s1']));
  lingers.begin('s1');
  jest.advanceTimersByTime(60_000);
  expect(ended).toEqual([]);
});

test('a gateway that stops ends nothing: its next start takes the sessions up', () => {
  const { lingers, ended } = lingering();
  lingers.begin('s1');
  lingers.stop();
  lingers.begin('s2');
  jest.advanceTimersByTime(60_000);
  expect(ended).toEqual([]);
});
