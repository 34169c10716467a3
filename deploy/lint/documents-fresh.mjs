// @ts-check
// Fails when the generated documents differ from what the sources give now. Leaves the documents as they were.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const DOCUMENTS = 'docs/events';
const SCRIPT = 'docs:generate';

/** @returns {Map<string, string>} Text by path of every document that is there now. */
const read = () =>
  new Map(
    globSync(`${DOCUMENTS}/**/*`)
      .filter((path) => statSync(path).isFile())
      .map((path) => [path, readFileSync(path, 'utf8')]),
  );

/** @param {Map<string, string>} documents */
function restore(documents) {
  rmSync(DOCUMENTS, { recursive: true, force: true });
  for (const [path, text] of documents) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** @returns {string[]} What is wrong, one line each. */
function staleDocuments() {
  const before = read();
  try {
    const run = spawnSync('npm', ['run', '--silent', SCRIPT], {
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    if (run.status !== 0) return [`npm run ${SCRIPT} failed:`, run.stdout, run.stderr];
    const after = read();
    return [...new Set([...before.keys(), ...after.keys()])]
      .filter((path) => before.get(path) !== after.get(path))
      .toSorted()
      .map((path) => `${path}: ${before.has(path) ? (after.has(path) ? 'stale' : 'no longer generated') : 'missing'}`);
  } finally {
    restore(before);
  }
}

if (existsSync('package.json') && JSON.parse(readFileSync('package.json', 'utf8')).scripts?.[SCRIPT]) {
  const problems = staleDocuments();
  if (problems.length > 0) {
    console.error(problems.join('\n'));
    process.exitCode = 1;
  }
}
