// @ts-check
/**
 * `node hand-out-users.mjs <from> <to> <container>=<file>[,<file>]...`: of the folder of `stance nats-auth`, copies what each
 * container of compose.yaml needs into the folder `<to>/<container>`, so that none has the key of another. What else lies
 * there is removed: a user that a container no longer is.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [from, to, ...shares] = process.argv.slice(2);
if (from === undefined || to === undefined || shares.length === 0)
  throw new Error('usage: node hand-out-users.mjs <from> <to> <container>=<file>[,<file>]...');

for (const share of shares) {
  const [container = '', files = ''] = share.split('=');
  if (container === '' || files === '') throw new Error(`"${share}" is not <container>=<file>[,<file>]...`);
  handOut(from, files.split(','), join(to, container));
}

/**
 * @param {string} source
 * @param {readonly string[]} files below the source
 * @param {string} folder
 */
function handOut(source, files, folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = new Set(files.map((file) => basename(file)));
  for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name), { recursive: true });
  for (const file of files) {
    const target = join(folder, basename(file));
    writeFileSync(`${target}.new`, readFileSync(join(source, file)), { mode: 0o600 });
    renameSync(`${target}.new`, target);
  }
}
