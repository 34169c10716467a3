import { expect, it } from '@jest/globals';
import { KeyIndex } from './key-index.js';

it('gives all ids of a key, through every change', () => {
  const index = new KeyIndex();
  index.changed('a', [], ['one', 'two']);
  index.changed('b', [], ['one']);
  index.changed('c', [], ['one']);
  expect(index.idsOf('one')).toEqual(['a', 'b', 'c']);
  index.changed('a', ['one', 'two'], ['two', 'three']);
  expect(index.idsOf('one')).toEqual(['b', 'c']);
  expect(index.idsOf('three')).toEqual(['a']);
  index.changed('b', ['one'], []);
  expect(index.idsOf('one')).toEqual(['c']);
  index.changed('c', ['one'], []);
  expect(index.idsOf('one')).toEqual([]);
});

it('counts an id once, however often it is added', () => {
  const index = new KeyIndex();
  index.changed('a', [], ['one']);
  index.changed('a', [], ['one']);
  expect(index.idsOf('one')).toEqual(['a']);
  index.changed('b', ['one'], []);
  expect(index.idsOf('one')).toEqual(['a']);
});

it('gives a snapshot that later changes leave alone', () => {
  const index = new KeyIndex();
  index.changed('a', [], ['one']);
  const before = index.idsOf('one');
  index.changed('b', [], ['one']);
  expect(before).toEqual(['a']);
});
