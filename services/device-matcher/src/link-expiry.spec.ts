import { expect, it, jest } from '@jest/globals';
import { createLogger } from '@stance/service-kit';
import { LinkExpiry } from './link-expiry.js';

const logger = createLogger('device-matcher', 'silent');

/** Ends of links that are taken back one look at a time, each of which takes a while. */
function world(ends: number[], lookMs = 40) {
  const left = new Set(ends);
  const looks: number[] = [];
  const expiry = new LinkExpiry(
    () => (left.size === 0 ? undefined : Math.min(...left)),
    async () => {
      const now = Date.now();
      looks.push(now);
      const due = [...left].filter((end) => end <= now);
      await jest.advanceTimersByTimeAsync(lookMs);
      for (const end of due) left.delete(end);
    },
    logger,
  );
  return { expiry, left, looks };
}

it('ends a link whose time comes while another one is being ended', async () => {
  jest.useFakeTimers({ now: 1_000 });
  const { expiry, left } = world([1_010, 1_030]);
  expiry.schedule();
  await jest.advanceTimersByTimeAsync(500);
  expect([...left]).toEqual([]);
  await expiry.stop();
  jest.useRealTimers();
});

it('ends at once what should have ended long ago', async () => {
  jest.useFakeTimers({ now: 1_000 });
  const { expiry, left } = world([1]);
  expiry.schedule();
  await jest.advanceTimersByTimeAsync(100);
  expect([...left]).toEqual([]);
  await expiry.stop();
  jest.useRealTimers();
});

it('looks no more once it is stopped', async () => {
  jest.useFakeTimers({ now: 1_000 });
  const { expiry, looks } = world([5_000]);
  expiry.schedule();
  await expiry.stop();
  await jest.advanceTimersByTimeAsync(10_000);
  expect(looks).toEqual([]);
  jest.useRealTimers();
});
