import { describe, expect, it } from '@jest/globals';
import { hasToBePublished } from './policy-sync.js';

const published = (lastSha256?: string, lastFromFile?: string) => ({
  revision: 3,
  lastSha256,
  lastFromFile,
  lastSequence: 3,
});

describe('whether a policy file has to be published', () => {
  it.each([
    ['nothing was published yet', published(), true],
    ['it is in force', published('this', 'this'), false],
    ['it is in force by another hand', published('this'), false],
    ['it was replaced by a person since', published('other', 'this'), false],
    ['it changed', published('before', 'before'), true],
    ['it changed after a person replaced it', published('other', 'before'), true],
    ['another policy is in force and the file never gave one', published('other'), true],
  ])('where %s: %j', (_, history, expected) => {
    expect(hasToBePublished('this', history)).toBe(expected);
  });
});
