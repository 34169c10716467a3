import { describe, expect, it } from '@jest/globals';
import { retirementOf } from './retirement.js';

const found = (present: number, absent: number, isEmpty = false) => ({ present, absent, isEmpty });

describe('a complete sweep', () => {
  it.each([
    [100, 10, 0.1],
    [1_000, 55, 0.055],
    [50_000, 5_000, 0.1],
  ])('of %d agents may retire %d at a limit of %d, and not one more', (present, most, limitShare) => {
    expect(retirementOf(found(present, most), limitShare, false)).toEqual({ allowed: true, limit: most });
    expect(retirementOf(found(present, most + 1), limitShare, false)).toEqual({ allowed: false, limit: most });
  });

  it('of a small fleet may retire a few, whatever share they are', () => {
    expect(retirementOf(found(5, 3), 0.1, false).allowed).toBe(true);
    expect(retirementOf(found(5, 4), 0.1, false).allowed).toBe(false);
  });

  it.each([1, 3, 50])('that shows nobody of %d agents is not believed, whatever the limit', (present) => {
    for (const limit of [0.1, 1]) expect(retirementOf(found(present, present, true), limit, false).allowed).toBe(false);
  });

  it('of a source without agents retires nobody', () => {
    expect(retirementOf(found(0, 0, true), 0.1, false).allowed).toBe(true);
  });

  it.each([
    ['those that a person approved of', found(40, 12), true],
    ['everybody, when a person said so', found(40, 40, true), true],
    ['nobody without such a word', found(40, 12), false],
  ])('may retire beyond the limit %s', (_, absences, isApproved) => {
    expect(retirementOf(absences, 0.1, isApproved).allowed).toBe(isApproved);
  });
});
