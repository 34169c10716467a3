import { describe, expect, it } from '@jest/globals';
import type { GraceState } from '@stance/contracts';
import * as fc from 'fast-check';
import { mergeGraces } from './merge-graces.js';

const FIRST = '2026-11-20T08:00:00.000Z';
const LATER = '2026-11-21T08:00:00.000Z';

const grace = (overrides: Partial<GraceState> = {}): GraceState => ({
  rule: 'everyone',
  posture: 'current',
  ...overrides,
});

describe('the memories of several gateways, as one', () => {
  it.each<[string, Partial<GraceState>, Partial<GraceState>, Partial<GraceState>]>([
    ['a failure counts from its first', { failingSince: LATER }, { failingSince: FIRST }, { failingSince: FIRST }],
    ['a failure that one remembers counts', { failingSince: FIRST }, {}, { failingSince: FIRST }],
    [
      'it holds again since the latest',
      { failingSince: FIRST, heldSince: FIRST },
      { failingSince: FIRST, heldSince: LATER },
      { failingSince: FIRST, heldSince: LATER },
    ],
    [
      'it does not hold again where it still fails for one',
      { failingSince: FIRST, heldSince: LATER },
      { failingSince: LATER },
      { failingSince: FIRST },
    ],
    [
      'one that remembers no failure says nothing of it',
      { failingSince: FIRST, heldSince: LATER },
      {},
      { failingSince: FIRST, heldSince: LATER },
    ],
    [
      'what could be reached is what all say',
      { resources: ['ftp', 'wiki'] },
      { resources: ['wiki', 'git'] },
      { resources: ['wiki'] },
    ],
    ['one that has held it has held it', { resources: [] }, { failingSince: FIRST }, { failingSince: FIRST }],
  ])('%s', (_, one, other, merged) => {
    expect(mergeGraces([[grace(one)], [grace(other)]])).toEqual([grace(merged)]);
    expect(mergeGraces([[grace(other)], [grace(one)]])).toEqual([grace(merged)]);
  });

  it('keeps requirements apart', () => {
    const others = [grace({ posture: 'encrypted' }), grace({ rule: 'staff' })];
    expect(mergeGraces([[grace()], others])).toEqual([grace(), ...others]);
  });

  it('are the same in whatever order, and however often', () => {
    const time = fc.constantFrom(FIRST, LATER, '2026-11-22T08:00:00.000Z');
    const memory = fc
      .record(
        { resources: fc.subarray(['ftp', 'git', 'wiki']), failingSince: time, heldSince: time },
        { requiredKeys: [] },
      )
      .map(({ failingSince, heldSince, resources }) =>
        grace({
          ...(resources && { resources }),
          ...(failingSince && { failingSince, ...(heldSince && { heldSince }) }),
        }),
      );
    fc.assert(
      fc.property(fc.array(memory, { minLength: 1, maxLength: 5 }), (memories) => {
        const merged = mergeGraces(memories.map((one) => [one]));
        expect(mergeGraces(memories.toReversed().map((one) => [one]))).toEqual(merged);
        expect(mergeGraces([merged, ...memories.map((one) => [one])])).toEqual(merged);
      }),
    );
  });
});
