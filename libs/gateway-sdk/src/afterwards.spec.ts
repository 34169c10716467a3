import { expect, test } from '@jest/globals';
import { Afterwards } from './afterwards.js';

const nextTurn = () => new Promise<void>((resolve) => void setImmediate(resolve));

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('what can wait is done in order, in a later turn', async () => {
  const afterwards = new Afterwards();
  const done: number[] = [];
  const all = [1, 2, 3].map((each) => afterwards.run(() => done.push(each)));
  await Promise.resolve();
  expect(done).toEqual([]);
  await expect(Promise.all(all)).resolves.toEqual([1, 2, 3]);
  expect(done).toEqual([1, 2, 3]);
});

test('what it throws or rejects with is its own', async () => {
  const afterwards = new Afterwards();
  const thrown = afterwards.run(() => {
    throw new RangeError('thrown');
  });
  const rejected = afterwards.run(() => Promise.reject(new RangeError('rejected')));
  const fine = afterwards.run(() => 'fine');
  await expect(thrown).rejects.toThrow('thrown');
  await expect(rejected).rejects.toThrow('rejected');
  await expect(fine).resolves.toBe('fine');
});

test('long work lets other turns come between', async () => {
  const afterwards = new Afterwards();
  let done = 0;
  const doneAtTurn: number[] = [];
  const all = Array.from({ length: 20 }, () =>
    afterwards.run(() => {
      spin(1);
      done += 1;
    }),
  );
  const turns = (async () => {
    for (let turn = 0; turn < 8; turn += 1) {
      await nextTurn();
      doneAtTurn.push(done);
    }
  })();
  await Promise.all([...all, turns]);
  expect(new Set(doneAtTurn).size).toBeGreaterThan(5);
});

test('it waits as long as more comes in each turn, and not for ever', async () => {
  const afterwards = new Afterwards();
  const began = performance.now();
  const waits: number[] = [];
  const all: Promise<unknown>[] = [];
  // In each turn, until it has waited long enough.
  while (waits.length === 0) {
    all.push(afterwards.run(() => waits.push(performance.now() - began)));
    await nextTurn();
  }
  await Promise.all(all);
  const [first = 0] = waits;
  expect(first).toBeGreaterThanOrEqual(99);
  expect(waits).toHaveLength(all.length);
});
