import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as fc from 'fast-check';
import { KeyedScheduler } from './keyed-scheduler.js';

/** A scheduler whose messages run until they are told to end. */
function schedulerOf(concurrency: number) {
  const started: string[] = [];
  const running = new Map<string, () => void>();
  const scheduler = new KeyedScheduler<string>(
    (item) =>
      new Promise((resolve) => {
        started.push(item);
        running.set(item, resolve);
      }),
    { concurrency },
  );
  return {
    scheduler,
    started,
    add: (key: string, sequence: number) => scheduler.add(key, sequence, `${key}${sequence}`),
    end: async (item: string) => {
      running.get(item)?.();
      running.delete(item);
      // Past the promises that pass the end on.
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    },
    running,
  };
}

describe('messages of one key', () => {
  it('run one after the other, in order', async () => {
    const { add, end, started } = schedulerOf(10);
    for (const sequence of [1, 2, 3]) add('a', sequence);
    expect(started).toEqual(['a1']);
    await end('a1');
    expect(started).toEqual(['a1', 'a2']);
    await end('a2');
    expect(started).toEqual(['a1', 'a2', 'a3']);
  });

  it('let an earlier one that comes again go before those that wait', async () => {
    const { add, end, started } = schedulerOf(10);
    for (const sequence of [5, 7, 8, 6]) add('a', sequence);
    await end('a5');
    await end('a6');
    await end('a7');
    expect(started).toEqual(['a5', 'a6', 'a7', 'a8']);
  });

  it('are dropped when they are here already, running or waiting', async () => {
    const { add, end, started, scheduler } = schedulerOf(10);
    expect([add('a', 1), add('a', 2), add('a', 1), add('a', 2)]).toEqual([true, true, false, false]);
    expect(scheduler.held).toBe(2);
    await end('a1');
    await end('a2');
    expect(started).toEqual(['a1', 'a2']);
    expect(add('a', 1)).toBe(true);
  });
});

describe('messages of different keys', () => {
  it('run at the same time, as many as allowed, and the first to wait goes first', async () => {
    const { add, end, started } = schedulerOf(2);
    for (const key of ['a', 'b', 'c', 'd']) add(key, 1);
    expect(started).toEqual(['a1', 'b1']);
    await end('b1');
    expect(started).toEqual(['a1', 'b1', 'c1']);
    await end('a1');
    expect(started).toEqual(['a1', 'b1', 'c1', 'd1']);
  });

  it('are all listed while they run or wait, so that the server can be told', () => {
    const { add, scheduler } = schedulerOf(1);
    for (const key of ['a', 'b']) for (const sequence of [1, 2]) add(key, sequence);
    expect([...scheduler.items()].toSorted((one, other) => one.localeCompare(other))).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect(scheduler.held).toBe(4);
  });
});

describe('a message that awaits its retry', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('holds back the later ones of its key, and no other key', async () => {
    const { add, end, started, scheduler } = schedulerOf(10);
    add('a', 1);
    add('a', 2);
    scheduler.awaitReturn('a', 1, 1_000);
    await end('a1');
    add('b', 3);
    expect(started).toEqual(['a1', 'b3']);
    expect([scheduler.isBlocked('a'), scheduler.isBlocked('b')]).toEqual([true, false]);
    add('a', 1);
    expect(started).toEqual(['a1', 'b3', 'a1']);
    await end('a1');
    expect(started).toEqual(['a1', 'b3', 'a1', 'a2']);
    expect(scheduler.isBlocked('a')).toBe(false);
  });

  it('does not hold back an earlier one of its key', async () => {
    const { add, end, started, scheduler } = schedulerOf(10);
    add('a', 5);
    scheduler.awaitReturn('a', 5, 1_000);
    await end('a5');
    add('a', 4);
    expect(started).toEqual(['a5', 'a4']);
  });

  it('is not waited for longer than agreed: the server may have dropped it', async () => {
    const { add, end, started, scheduler } = schedulerOf(10);
    add('a', 1);
    add('a', 2);
    scheduler.awaitReturn('a', 1, 1_000);
    await end('a1');
    jest.advanceTimersByTime(999);
    expect(started).toEqual(['a1']);
    jest.advanceTimersByTime(1);
    expect(started).toEqual(['a1', 'a2']);
  });

  it('leaves nothing behind once its key is done', async () => {
    const { add, end, scheduler } = schedulerOf(10);
    add('a', 1);
    scheduler.awaitReturn('a', 1, 1_000);
    await end('a1');
    jest.advanceTimersByTime(1_000);
    expect([scheduler.held, scheduler.isBlocked('a'), jest.getTimerCount()]).toEqual([0, false, 0]);
  });
});

describe('stopping', () => {
  it('gives back what never ran, starts nothing more, and is idle when the running ones are done', async () => {
    const { add, end, started, scheduler } = schedulerOf(1);
    for (const sequence of [1, 2]) add('a', sequence);
    add('b', 3);
    const { notStarted, idle } = scheduler.stop();
    expect(notStarted).toEqual(['a2', 'b3']);
    let isIdle = false;
    void idle.then(() => (isIdle = true));
    await Promise.resolve();
    expect(isIdle).toBe(false);
    await end('a1');
    await idle;
    expect(started).toEqual(['a1']);
  });

  it('is idle at once when nothing runs', async () => {
    await schedulerOf(1).scheduler.stop().idle;
    expect(schedulerOf(1).scheduler.held).toBe(0);
  });
});

describe('whatever arrives, is retried and ends in whatever order', () => {
  it('every message runs, those of a key in order, never two of a key nor more than allowed at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat(100)),
        async (keys, concurrency, choices) => {
          const { add, end, started, running, scheduler } = schedulerOf(concurrency);
          const finished: string[] = [];
          const retried = new Set<string>();
          keys.forEach((key, index) => add(key, index + 1));
          const picks = choices[Symbol.iterator]();
          while (running.size > 0) {
            const items = [...running.keys()];
            expect(items.length).toBeLessThanOrEqual(concurrency);
            expect(new Set(items.map((item) => item[0])).size).toBe(items.length);
            const pick = Number(picks.next().value);
            const item = items[pick % items.length] ?? '';
            const [key = '', sequence] = [item[0], Number(item.slice(1))];
            if (pick % 3 === 0 && !retried.has(item)) {
              retried.add(item);
              scheduler.awaitReturn(key, sequence, 60_000);
              await end(item);
              add(key, sequence);
            } else {
              finished.push(item);
              await end(item);
            }
          }
          expect(finished).toHaveLength(keys.length);
          expect(started).toHaveLength(keys.length + retried.size);
          for (const key of 'abc') {
            const order = finished.filter((item) => item[0] === key).map((item) => Number(item.slice(1)));
            expect(order).toEqual(order.toSorted((one, other) => one - other));
          }
        },
      ),
    );
  });
});
