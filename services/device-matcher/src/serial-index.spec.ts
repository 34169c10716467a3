import { expect, it } from '@jest/globals';
import { DeviceIndex } from './device-index.js';
import { SerialIndex } from './serial-index.js';

it('gives all ids of a serial number', () => {
  const index = new SerialIndex();
  index.set('a', 'S1');
  index.set('b', 'S1');
  index.set('c', 'S2');
  expect([index.idsOf('S1'), index.idsOf('S2'), index.idsOf('S3')]).toEqual([['a', 'b'], ['c'], []]);
});

it('moves an id and tells where it was', () => {
  const index = new SerialIndex();
  expect([index.set('a', 'S1'), index.set('a', 'S1'), index.set('a', 'S2')]).toEqual([undefined, 'S1', 'S1']);
  expect([index.idsOf('S1'), index.idsOf('S2')]).toEqual([[], ['a']]);
});

it('forgets an id without a serial number that counts', () => {
  const index = new SerialIndex();
  index.set('a', 'S1');
  index.set('a', undefined);
  index.set('never seen', undefined);
  expect(index.idsOf('S1')).toEqual([]);
});

it('gives a snapshot that later changes leave alone', () => {
  const index = new SerialIndex();
  index.set('a', 'S1');
  const ids = index.idsOf('S1');
  index.set('b', 'S1');
  expect(ids).toEqual(['a']);
});

it('knows which agents’ registers name a device, through every change', () => {
  const index = new DeviceIndex();
  index.changed('a', [], ['d1']);
  index.changed('b', [], ['d1', 'd2']);
  expect([index.agentsOf('d1'), index.agentsOf('d2')]).toEqual([['a', 'b'], ['b']]);
  index.changed('b', ['d1', 'd2'], ['d2']);
  index.changed('a', ['d1'], []);
  expect([index.agentsOf('d1'), index.agentsOf('d2')]).toEqual([[], ['b']]);
});
