import { describe, expect, it } from '@jest/globals';
import { AppendQueue } from './append-queue.js';

const record = (sequence: number, payload = '') => ({
  content: { kind: 'event' as const, stream: 's', device: '-', sequence, payload },
  traceparent: undefined,
});

describe('the queue of records', () => {
  it('gives back what it took, in order, over many rounds', () => {
    const queue = new AppendQueue({ records: 10_000, bytes: 1_000 });
    const out: number[] = [];
    for (let sequence = 1; sequence <= 5_000; sequence += 1) {
      queue.push(record(sequence));
      if (sequence % 3 !== 0) out.push(queue.shift()?.content.sequence ?? 0);
    }
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) out.push(next.content.sequence);
    expect(out).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
    expect(queue.length).toBe(0);
  });

  it.each([
    ['records', { records: 4, bytes: 1_000 }, ''],
    ['bytes', { records: 1_000, bytes: 40 }, 'ten bytes.'],
  ])('is full at its limit of %s and has room again at a quarter of it', (_, limits, payload) => {
    const queue = new AppendQueue(limits);
    const fullness: [boolean, boolean][] = [];
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      queue.push(record(sequence, payload));
      fullness.push([queue.isFull, queue.hasRoom]);
    }
    queue.shift();
    queue.shift();
    fullness.push([queue.isFull, queue.hasRoom]);
    queue.shift();
    fullness.push([queue.isFull, queue.hasRoom]);
    expect(fullness).toEqual([
      [false, true],
      [false, false],
      [false, false],
      [true, false],
      [false, false],
      [false, true],
    ]);
  });
});
