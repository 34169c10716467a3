import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';

import { isAllowed } from './licences.mjs';
import { productionPackages, type LockedPackages } from './production-packages.mjs';
import { PRODUCT } from './product.mjs';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const { packages } = JSON.parse(readFileSync(join(CHECKOUT, 'package-lock.json'), 'utf8')) as {
  packages: LockedPackages;
};

describe('the licence of a package', () => {
  it.each([
    ['MIT', true],
    ['(BSD-2-Clause OR MIT OR Apache-2.0)', true],
    ['GPL-3.0 OR MIT', true],
    ['MIT AND ISC', true],
    ['MIT AND GPL-3.0', false],
    ['MIT OR GPL-3.0 AND ISC', false],
    ['AGPL-3.0', false],
    ['SEE LICENSE IN LICENSE', false],
    [undefined, false],
  ])('%s: may be delivered is %s', (expression, allowed) => {
    expect(isAllowed(expression)).toBe(allowed);
  });

  it('allows the delivery of each package that the image has', () => {
    const delivered = productionPackages(packages, PRODUCT);
    expect(delivered.length).toBeGreaterThan(50);
    expect(delivered.filter(({ license }) => !isAllowed(license))).toEqual([]);
  });
});
