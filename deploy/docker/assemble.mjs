// @ts-check
/**
 * `node assemble.mjs <folder> <workspace>...`: copies the built workspaces and all that they need to run, laid out as in the
 * checkout. Of ours the compiled output; of others no types and source maps, as Node runs no TypeScript of packages.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

import { productionPackages } from './src/production-packages.mjs';

const [target, ...workspaces] = process.argv.slice(2);
if (target === undefined || workspaces.length === 0)
  throw new Error('usage: node assemble.mjs <folder> <workspace>...');
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

for (const { folder, name } of productionPackages(packages, workspaces)) {
  if (folder.includes('node_modules/')) {
    copy(folder, join(target, folder));
    continue;
  }
  for (const part of ['package.json', 'dist', 'bin'].filter((each) => existsSync(join(folder, each)))) {
    copy(join(folder, part), join(target, folder, part));
  }
  const link = join(target, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(relative(dirname(link), join(target, folder)), link);
}

/**
 * @param {string} from
 * @param {string} to
 */
function copy(from, to) {
  const isLeftOut = (/** @type {string} */ path) => /\.([cm]?ts|map)$/.test(path) || basename(path) === 'node_modules';
  cpSync(from, to, { recursive: true, filter: (path) => path === from || !isLeftOut(path) });
}
