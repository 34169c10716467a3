import { describe, expect, test } from '@jest/globals';

import { ConditionNotMetError, waitFor } from './wait-for.js';

describe('waitFor', () => {
  test('returns what the condition gives once it is truthy', async () => {
    let looks = 0;
    const found = await waitFor(() => (++looks === 3 ? { looks } : undefined), {
      what: 'the third look',
      intervalMs: 1,
    });
    expect(found).toEqual({ looks: 3 });
  });

  test('looks again after a condition that throws', async () => {
    let looks = 0;
    const condition = async (): Promise<boolean> => {
      if (++looks < 3) throw new Error('not yet');
      return true;
    };
    await expect(waitFor(condition, { what: 'no error', intervalMs: 1 })).resolves.toBe(true);
  });

  test.each([
    ['gave false', () => false, /the door opens\. The last look gave false/],
    ['threw', () => Promise.reject(new Error('locked')), /threw Error: locked/],
    ['never ended', () => new Promise<never>(() => undefined), /did not come to an end/],
  ])('gives up at the deadline with a clear message when the condition %s', async (_case, condition, message) => {
    const waiting = waitFor<unknown>(condition, { what: 'the door opens', timeoutMs: 30, intervalMs: 1 });
    await expect(waiting).rejects.toThrow(ConditionNotMetError);
    await expect(waiting).rejects.toThrow(message);
  });

  test('tells of the look before the one that it cut short', async () => {
    let looks = 0;
    const condition = () => (++looks === 1 ? Promise.reject(new Error('locked')) : new Promise<never>(() => undefined));
    const waiting = waitFor<unknown>(condition, { what: 'the door opens', timeoutMs: 30, intervalMs: 1 });
    await expect(waiting).rejects.toThrow(/did not come to an end; the one before threw Error: locked/);
  });
});
