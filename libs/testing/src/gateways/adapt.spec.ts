import { describe, expect, test } from '@jest/globals';
import { adapt, NothingToAdapt } from './adapt.js';

describe('adapting a deployed configuration', () => {
  test('replaces every occurrence, and takes a replacement as it is written', () => {
    expect(adapt('listen 443; listen [::]:443;', { '443': '$&8' })).toBe('listen $&8; listen [::]:$&8;');
  });

  test('fails when the file no longer has what is replaced', () => {
    expect(() => adapt('listen 8443;', { '127.0.0.1:9180': '127.0.0.1:1' })).toThrow(NothingToAdapt);
  });
});
