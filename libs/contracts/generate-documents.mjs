// Writes the documents that are generated from the contracts to docs/events; with --check only compares them, names the
// stale ones and exits with 1. Run it as `npm run docs:generate`, which builds the contracts first.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateDocuments } from './dist/index.js';

const folder = fileURLToPath(new URL('../../docs/events', import.meta.url));
const documents = generateDocuments();

const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error) => {
  if (error.code === 'ENOENT') return [];
  throw error;
});
const present = entries
  .filter((entry) => entry.isFile())
  .map((entry) =>
    join(entry.parentPath, entry.name)
      .slice(folder.length + 1)
      .replaceAll('\\', '/'),
  );
const surplus = present.filter((path) => !(path in documents));
const stale = [];
for (const [path, content] of Object.entries(documents)) {
  if (!present.includes(path) || (await readFile(join(folder, path), 'utf8')) !== content) stale.push(path);
}

if (process.argv.includes('--check')) {
  for (const path of [...stale, ...surplus]) console.error(`docs/events/${path} is stale: run npm run docs:generate`);
  process.exitCode = stale.length + surplus.length > 0 ? 1 : 0;
} else {
  for (const path of surplus) await rm(join(folder, path));
  for (const path of stale) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), documents[path]);
  }
  console.log(
    `docs/events: ${stale.length} written, ${surplus.length} removed, ${Object.keys(documents).length} in all`,
  );
}
