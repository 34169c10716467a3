// @ts-check
/**
 * `node manifests.mjs <folder>`: copies what `npm ci` reads, and nothing else, so that dependencies are installed again only
 * when one of these files changed.
 */
import { cpSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('usage: node manifests.mjs <folder>');
const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8'));
const manifests = globSync(workspaces.map((/** @type {string} */ pattern) => `${pattern}/package.json`));
for (const file of ['package.json', 'package-lock.json', '.npmrc', ...manifests]) cpSync(file, join(target, file));
