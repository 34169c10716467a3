// @ts-check
/**
 * Writes what the chart has from elsewhere: the alerts, the dashboards, and in README.md the table of values. With `--check` it
 * changes nothing, names what is stale, and exits with 1.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { valuesTable } from './values-table.mjs';

const chart = new URL('./stance/', import.meta.url);
const rules = new URL('../prometheus/stance.rules.yaml', import.meta.url);
const dashboards = new URL('../grafana/dashboards/', import.meta.url);
const copied = new URL('files/dashboards/', chart);

const BEGIN = '<!-- Begin of what `node deploy/helm/generate.mjs` writes from values.yaml. -->';
const END = '<!-- End of it. -->';

/** @param {URL} folder The names of its files of a kind; none where it is not there. @param {string} ending */
async function filesIn(folder, ending) {
  const names = await readdir(folder).catch((error) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith(ending)).toSorted();
}

/** @param {URL} file Its text, or nothing where there is no file. */
const textOf = (file) =>
  readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

/** README.md with the table of the present values. */
async function readme() {
  const [before, rest] = (await readFile(new URL('README.md', chart), 'utf8')).split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  const table = valuesTable(await readFile(new URL('values.yaml', chart), 'utf8'));
  return `${before}${BEGIN}\n<!-- prettier-ignore-start -->\n\n${table}\n\n<!-- prettier-ignore-end -->\n${END}${after}`;
}

/** What every file of ours has to hold. @type {Map<string, string>} */
const wanted = new Map();
wanted.set(new URL('files/stance.rules.yaml', chart).href, await readFile(rules, 'utf8'));
for (const name of await filesIn(dashboards, '.json')) {
  wanted.set(new URL(name, copied).href, await readFile(new URL(name, dashboards), 'utf8'));
}
wanted.set(new URL('README.md', chart).href, await readme());

const isCheck = process.argv.includes('--check');
let stale = 0;
for (const [href, text] of wanted) {
  const file = new URL(href);
  if ((await textOf(file)) === text) continue;
  stale += 1;
  if (isCheck) {
    process.stderr.write(`${fileURLToPath(file)} is stale: run node deploy/helm/generate.mjs\n`);
  } else {
    await mkdir(new URL('.', file), { recursive: true });
    await writeFile(file, text);
  }
}
for (const name of await filesIn(copied, '.json')) {
  const file = new URL(name, copied);
  if (wanted.has(file.href)) continue;
  stale += 1;
  if (isCheck)
    process.stderr.write(`${fileURLToPath(file)} has no dashboard any more: run node deploy/helm/generate.mjs\n`);
  else await rm(file);
}
if (!isCheck) process.stdout.write(`deploy/helm: ${stale} written, ${wanted.size} in all\n`);
process.exitCode = isCheck && stale > 0 ? 1 : 0;
