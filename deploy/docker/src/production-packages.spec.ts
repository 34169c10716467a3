import { describe, expect, it } from '@jest/globals';

import { PackageNotLocked, productionPackages } from './production-packages.mjs';

const lock = {
  'services/a': { name: '@s/a', version: '1.0.0', dependencies: { '@s/b': '1.0.0', shared: '1' } },
  'node_modules/@s/a': { resolved: 'services/a', link: true },
  'libs/b': { name: '@s/b', version: '1.0.0', dependencies: { shared: '2' }, devDependencies: { jest: '30' } },
  'node_modules/@s/b': { resolved: 'libs/b', link: true },
  'libs/b/node_modules/shared': { version: '2.0.0', license: 'MIT', dependencies: { deep: '1' } },
  'node_modules/shared': {
    version: '1.0.0',
    license: 'ISC',
    peerDependencies: { peer: '1', absent: '1' },
    peerDependenciesMeta: { absent: { optional: true } },
  },
  'node_modules/peer': {
    version: '1.0.0',
    optionalDependencies: { 'for-another-system': '1' },
    dependencies: { '@types/node': '24' },
  },
  'node_modules/deep': { version: '1.0.0', dependencies: { deep: '1', shared: '1' } },
  'node_modules/jest': { version: '30.0.0', dev: true },
  'node_modules/@types/node': { version: '24.0.0' },
};
const folders = (...workspaces: string[]) => productionPackages(lock, workspaces).map(({ folder }) => folder);

describe('what workspaces need to run', () => {
  it('is found as Node finds it, the nearest first, with peers, without types, tests and what was not installed', () => {
    expect(folders('services/a')).toEqual([
      'libs/b',
      'libs/b/node_modules/shared',
      'node_modules/deep',
      'node_modules/peer',
      'node_modules/shared',
      'services/a',
    ]);
  });

  it('has names, versions and licences', () => {
    expect(productionPackages(lock, ['libs/b'])).toContainEqual({
      folder: 'libs/b/node_modules/shared',
      name: 'shared',
      version: '2.0.0',
      license: 'MIT',
    });
    expect(productionPackages(lock, ['libs/b'])).toContainEqual(expect.objectContaining({ name: '@s/b' }));
  });

  it('is refused where the lock does not have it', () => {
    expect(() => folders('services/none')).toThrow(PackageNotLocked);
    const incomplete = { 'libs/c': { dependencies: { gone: '1' } } };
    expect(() => productionPackages(incomplete, ['libs/c'])).toThrow('libs/c needs gone');
  });
});
