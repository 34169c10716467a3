// @ts-check
// node deploy/lint/lint.mjs [check ...]: all checks, or those named.
import { fileURLToPath } from 'node:url';
import { build, checks } from './src/checks.mjs';
import { runChecks } from './src/run-checks.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const wanted = process.argv.slice(2);
const known = checks.map(({ name }) => name);
const unknown = wanted.filter((name) => !known.includes(name));

if (unknown.length > 0) {
  console.error(`There is no check "${unknown.join('", "')}". There are: ${known.join(', ')}.`);
  process.exit(2);
}

const chosen = checks.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
/** @param {import('./src/run-checks.mjs').CheckResult} result */
function report({ check, passed, output, seconds }) {
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${check.name} (${seconds.toFixed(1)} s)`);
  if (!passed) console.log(`${output.trimEnd()}\n     ${check.repair}\n`);
}

const built = await runChecks([build], root, report);
const passed = await runChecks(chosen, root, report);
process.exitCode = built && passed ? 0 : 1;
