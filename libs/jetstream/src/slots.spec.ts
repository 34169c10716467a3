import { describe, expect, it } from '@jest/globals';
import { Slots } from './slots.js';

describe('slots', () => {
  it('bound what runs at once, and let the first waiter go first', async () => {
    const slots = new Slots(2);
    const started: number[] = [];
    const works = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
    const runs = works.map(({ promise }, index) =>
      slots.run(() => {
        started.push(index);
        return promise;
      }),
    );
    expect(started).toEqual([0, 1]);
    works[1]?.resolve();
    await runs[1];
    expect(started).toEqual([0, 1, 2]);
    for (const { resolve } of works) resolve();
    await Promise.all(runs);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  it('give back the place of a work that fails, and pass its error and its result on', async () => {
    const slots = new Slots(1);
    await expect(slots.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    await expect(slots.run(() => Promise.resolve('done'))).resolves.toBe('done');
  });
});
