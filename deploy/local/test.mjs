/**
 * `npm test [-- <jest arguments>]`: installs, builds and runs all tests; needs only Node and npm. A few files that fail in a run
 * of everything are run once more, alone, and told if they pass then: they are unsteady, which is a defect of its own, but
 * nothing that a change is to be held up by which did not bring it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import { build, ensureInstalled, environmentFor, root } from './ensure-installed.mjs';
import { filesToRepeat, withRepetition } from './repeat-failed.mjs';
import { runProgram, runSteps, say } from './steps.mjs';

const OUTPUT_FILE = '--outputFile=';

await runSteps(async () => {
  const node = await ensureInstalled();
  await build(node);
  const environment = environmentFor(node);
  // For Jest's workers too. Jest runs ES modules only with the first; the second keeps its warning out of every worker.
  const options = [environment.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const program = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const jest = async (...args) => {
    const env = { ...environment, NODE_OPTIONS: options.filter(Boolean).join(' ') };
    return (await runProgram(node, [program, ...args], { cwd: root, env })).exitCode;
  };

  const args = process.argv.slice(2);
  const isEverything = args.every((argument) => argument === '--json' || argument.startsWith(OUTPUT_FILE));
  return isEverything ? runEverything(jest, args) : jest(...args);
});

async function runEverything(jest, args) {
  const scratch = mkdtempSync(join(tmpdir(), 'stance-test-'));
  try {
    const asked = args.find((argument) => argument.startsWith(OUTPUT_FILE))?.slice(OUTPUT_FILE.length);
    const output = asked ?? join(scratch, 'results.json');
    const exitCode = await jest('--json', `${OUTPUT_FILE}${output}`);
    return exitCode === 0 ? 0 : await repeatFailed(jest, output, join(scratch, 'repetition.json'), exitCode);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The exit code of the run as a whole; `output`, its results, has those of the repetition afterwards. */
async function repeatFailed(jest, output, repetition, exitCode) {
  const results = readResults(output);
  const files = results ? filesToRepeat(results) : [];
  if (files.length === 0) return exitCode;
  say(`\nOnce more, alone: ${namesOf(files)}\n`);
  const code = await jest('--runInBand', '--json', `${OUTPUT_FILE}${repetition}`, '--runTestsByPath', ...files);
  const again = readResults(repetition);
  if (again === undefined) return exitCode;
  const whole = withRepetition(results, again);
  writeFileSync(output, JSON.stringify(whole));
  if (whole.unsteady.length > 0) {
    say(`\nUnsteady, failed beside others and passed alone: ${namesOf(whole.unsteady)}`);
    say('What failed is above; CONTRIBUTING.md says what steady tests do (Tests).');
  }
  return code;
}

/** Undefined where Jest came to no end. */
function readResults(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function namesOf(files) {
  return files.map((file) => relative(root, file)).join(', ');
}
