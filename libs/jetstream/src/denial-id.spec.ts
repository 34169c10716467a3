import { expect, test } from '@jest/globals';
import { denialIdOf, newDenialKey } from './denial-id.js';

test('the id of a denial follows from its secret, in every language and version', () => {
  // sha256('a secret') = 984ca5162200734c592148f1820b7105...
  expect(denialIdOf('a secret')).toBe('984ca516-2200-834c-9921-48f1820b7105');
});

test('a new id is that of its secret, of version 8, and no two are the same', () => {
  const keys = Array.from({ length: 100 }, newDenialKey);
  for (const { denialId, secret } of keys) {
    expect(denialIdOf(secret)).toBe(denialId);
    expect(denialId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
  expect(new Set(keys.map(({ denialId }) => denialId)).size).toBe(100);
});
