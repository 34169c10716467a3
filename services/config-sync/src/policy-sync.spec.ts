import { describe, expect, it } from '@jest/globals';
import { hasToBePublished } from './policy-sync.js';

/** A document, and when it was signed. */
type Content = readonly [sha256: string, signedAt?: number];

const contentOf = ([sha256, signedAt]: Content) => ({ sha256, signedAt });
const publicationOf = (content: Content | undefined) => content && { revision: 3, ...contentOf(content) };

describe('whether a policy file has to be published', () => {
  it.each<[string, Content, { last?: Content; fromFile?: Content }, boolean]>([
    ['nothing was published yet', ['this'], {}, true],
    ['it is in force', ['this'], { last: ['this'], fromFile: ['this'] }, false],
    ['it is in force by another hand', ['this'], { last: ['this'] }, false],
    ['it was replaced by a person since', ['this'], { last: ['other'], fromFile: ['this'] }, false],
    ['it changed', ['this'], { last: ['before'], fromFile: ['before'] }, true],
    ['it changed after a person replaced it', ['this'], { last: ['other'], fromFile: ['before'] }, true],
    ['another policy is in force and the file never gave one', ['this'], { last: ['other'] }, true],
    ['it was signed since', ['this', 1], { last: ['this'], fromFile: ['this'] }, true],
    ['it was signed anew', ['this', 2], { last: ['this', 1], fromFile: ['this', 1] }, true],
    ['it was signed before, and in force by another hand', ['this', 1], { last: ['this', 2] }, false],
    ['its signature is gone', ['this'], { last: ['this', 1], fromFile: ['this', 1] }, false],
    ['it was signed anew after a person replaced it', ['this', 2], { last: ['other', 1], fromFile: ['this', 1] }, true],
  ])('where %s', (_, file, { last, fromFile }, expected) => {
    const published = { last: publicationOf(last), lastFromFile: publicationOf(fromFile) };
    expect(hasToBePublished(contentOf(file), published)).toBe(expected);
  });
});
