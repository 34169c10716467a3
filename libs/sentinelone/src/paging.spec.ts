import { describe, expect, it } from '@jest/globals';
import { CursorTrail, plainCursor, type Page } from './paging.js';
import { MalformedAnswer } from './sentinelone.errors.js';

const LIMIT = 3;
const trail = (): CursorTrail => new CursorTrail('/web/api/v2.1/agents', LIMIT, 'agents');
const page = (count: number, nextCursor: string | null | undefined, totalItems?: number): Page => ({
  records: Array.from({ length: count }, () => ({})),
  nextCursor,
  totalItems,
  receivedAt: 0,
  askedAt: 0,
  answeredAt: 0,
});

describe('where a listing goes on and where it ends', () => {
  it.each([
    ['a cursor is followed', page(3, 'c1', 9), 'c1'],
    ['a cursor is followed although totalItems is 0', page(3, 'c1', 0), 'c1'],
    ['a cursor is followed from a short page', page(1, 'c1', 9), 'c1'],
    ['a null cursor ends it', page(3, null, 3), undefined],
    ['a null cursor ends it although totalItems is 0', page(3, null, 0), undefined],
    ['a null cursor on an empty page ends it', page(0, null, 0), undefined],
    ['a short page without a cursor ends it', page(2, undefined, 2), undefined],
    ['a short page without pagination ends it', page(2, undefined), undefined],
    ['an empty page without pagination ends it', page(0, undefined), undefined],
  ])('%s', (_, last, cursor) => {
    expect(trail().follow(last)).toBe(cursor);
  });

  it.each([
    ['a full page without pagination', page(3, undefined), /after 3 agents/],
    ['a full page with pagination but no cursor', page(3, undefined, 9), /after 3 of 9 agents/],
    ['a short page without a cursor that knows of more', page(2, undefined, 9), /after 2 of 9 agents/],
  ])('%s is an error, not an end', (_, last, message) => {
    expect(() => trail().follow(last)).toThrow(MalformedAnswer);
    expect(() => trail().follow(last)).toThrow(message);
  });

  it('a last page without a cursor is the end when all items were read', () => {
    const listing = trail();
    listing.follow(page(3, 'c1', 5));
    expect(listing.follow(page(2, undefined, 5))).toBeUndefined();
  });

  it('a cursor that came before, at once or later, is an error', () => {
    const listing = trail();
    listing.follow(page(3, 'c1'));
    listing.follow(page(3, 'c2'));
    expect(() => listing.follow(page(3, 'c1'))).toThrow(/same cursor/);
  });

  it('a few empty pages may lead on, a row of them is an error', () => {
    const listing = trail();
    for (const cursor of ['c1', 'c2', 'c3']) expect(listing.follow(page(0, cursor))).toBe(cursor);
    expect(listing.follow(page(1, 'c4'))).toBe('c4');
    for (const cursor of ['c5', 'c6', 'c7']) listing.follow(page(0, cursor));
    expect(() => listing.follow(page(0, 'c8'))).toThrow(/4 empty pages/);
  });
});

describe('a cursor is encoded exactly once', () => {
  it.each([
    ['YWdlbnRfaWQ6NTgwMjkzODE=', 'YWdlbnRfaWQ6NTgwMjkzODE%3D'],
    ['eyJpZCI6IDF9ICJhc2MifQ%3D%3D', 'eyJpZCI6IDF9ICJhc2MifQ%3D%3D'],
    ['a+b/c==', 'a%2Bb%2Fc%3D%3D'],
    ['a%2Bb%2Fc%3D%3D', 'a%2Bb%2Fc%3D%3D'],
    ['100%', '100%25'],
  ])('%s goes out as %s', (received, sent) => {
    expect(new URLSearchParams({ cursor: plainCursor(received) }).toString()).toBe(`cursor=${sent}`);
  });
});
