import { expect, test } from '@jest/globals';
import { RightOfWay } from './right-of-way.js';

test('background work goes on at once where nothing is urgent', async () => {
  await expect(new RightOfWay().given(60_000)).resolves.toBeUndefined();
});

test('background work waits until the last of what is urgent is done, even if it fails', async () => {
  const rightOfWay = new RightOfWay();
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<never>()];
  const works = [rightOfWay.during(() => first.promise), rightOfWay.during(() => second.promise)] as const;
  const order: string[] = [];
  const background = rightOfWay.given(60_000).then(() => order.push('background'));
  first.resolve('done');
  await expect(works[0]).resolves.toBe('done');
  order.push('first');
  second.reject(new Error('no server'));
  await expect(works[1]).rejects.toThrow('no server');
  await background;
  expect(order).toEqual(['first', 'background']);
});

test('background work does not wait for ever', async () => {
  const rightOfWay = new RightOfWay();
  const endless = Promise.withResolvers<void>();
  const urgent = rightOfWay.during(() => endless.promise);
  await expect(rightOfWay.given(1)).resolves.toBeUndefined();
  endless.resolve();
  await urgent;
});
