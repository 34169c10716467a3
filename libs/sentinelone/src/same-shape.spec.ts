import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SameShape } from './same-shape.js';

const keys = Array.from({ length: 60 }, (_, index) => `key ${index}`);

describe('an object of a shape', () => {
  it('has the values that there are under their keys, in the order of the keys, whatever came before it', () => {
    const rows = fc.array(fc.array(fc.option(fc.integer(), { nil: undefined }), { minLength: 60, maxLength: 60 }));
    fc.assert(
      fc.property(rows, (all) => {
        const shape = new SameShape<number>(keys);
        // Twice, so that every set of keys is known the second time.
        for (const values of [...all, ...all]) {
          const expected = keys.flatMap((key, index) => (values[index] === undefined ? [] : [[key, values[index]]]));
          expect(Object.entries(shape.of(values))).toEqual(expected);
        }
      }),
    );
  });

  it("is nobody else's", () => {
    const shape = new SameShape<string>(['a', 'b']);
    const [one, other] = [shape.of(['1', '2']), shape.of(['3', '4'])];
    one['a'] = 'changed';
    expect([other, shape.of(['5', '6'])]).toEqual([
      { a: '3', b: '4' },
      { a: '5', b: '6' },
    ]);
  });

  it('is right also beyond the sets of keys that are remembered', () => {
    const shape = new SameShape<number>(keys);
    const valuesOf = (bits: number) => keys.map((_, index) => ((bits >> (index % 12)) & 1 ? index : undefined));
    for (let bits = 0; bits < 1_000; bits += 1) {
      const values = valuesOf(bits);
      expect(Object.values(shape.of(values))).toEqual(values.filter((value) => value !== undefined));
    }
  });
});
