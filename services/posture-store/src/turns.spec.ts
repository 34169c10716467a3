import { expect, it } from '@jest/globals';
import { Turns } from './turns.js';

/** Turns whose runs end when the test says so. */
function controlled() {
  const runs: { key: string; asks: readonly string[]; end: () => void; fail: (error: Error) => void }[] = [];
  const turns = new Turns<string>(
    (key, asks) => new Promise((end, fail) => void runs.push({ key, asks: [...asks], end, fail })),
  );
  return { runs, turns };
}

/** Everything that follows from what was done has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('a key’s work runs at once, and other keys’ beside it', () => {
  const { runs, turns } = controlled();
  void turns.ask('x', 'one');
  void turns.ask('y', 'two');
  expect(runs).toMatchObject([
    { key: 'x', asks: ['one'] },
    { key: 'y', asks: ['two'] },
  ]);
});

it('whoever asks meanwhile waits for one run that begins afterwards, and shares it', async () => {
  const { runs, turns } = controlled();
  const done: string[] = [];
  for (const ask of ['one', 'two', 'three']) void turns.ask('x', ask).then(() => done.push(ask));
  await settled();
  expect(runs).toHaveLength(1);
  runs[0]?.end();
  await settled();
  expect([done, runs[1]?.asks]).toEqual([['one'], ['two', 'three']]);
  void turns.ask('x', 'four').then(() => done.push('four'));
  runs[1]?.end();
  await settled();
  expect([done, runs[2]?.asks]).toEqual([['one', 'two', 'three'], ['four']]);
  runs[2]?.end();
  await settled();
  expect([done.at(-1), runs.length]).toEqual(['four', 3]);
});

it('a run that fails is told to those who asked for it alone', async () => {
  const { runs, turns } = controlled();
  const first = turns.ask('x', 'one');
  const others = [turns.ask('x', 'two'), turns.ask('x', 'three')];
  runs[0]?.fail(new Error('no leader'));
  await expect(first).rejects.toThrow('no leader');
  await settled();
  runs[1]?.fail(new Error('disk full'));
  for (const other of others) await expect(other).rejects.toThrow('disk full');
  const later = turns.ask('x', 'four');
  runs[2]?.end();
  await expect(later).resolves.toBeUndefined();
});
