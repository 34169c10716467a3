import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

import { filesToRepeat, withRepetition } from './repeat-failed.mjs';

const OUTPUT_FILE = '--outputFile=';

/** Where a run of everything is to leave its results, `''` for nowhere; undefined where the arguments ask for something else. */
export function outputFileOf(args) {
  if (args.length === 0) return '';
  const output = args.find((argument) => argument.startsWith(OUTPUT_FILE))?.slice(OUTPUT_FILE.length);
  return args.length === 2 && args.includes('--json') ? output : undefined;
}

/**
 * Runs all tests, and a few files that fail once more, alone. `jest` runs Jest in `root` with arguments and resolves to its
 * exit code; `outputFile` has the results of the whole afterwards. Resolves to the exit code of the whole.
 */
export async function runEverything(jest, { root, outputFile, say }) {
  const scratch = mkdtempSync(join(tmpdir(), 'stance-test-'));
  const output = outputFile === '' ? join(scratch, 'results.json') : resolve(root, outputFile);
  const repetition = join(scratch, 'repetition.json');
  try {
    // Jest may end before it writes any: those of a former run say nothing of this one.
    rmSync(output, { force: true });
    const exitCode = await jest('--json', `${OUTPUT_FILE}${output}`);
    const results = exitCode === 1 ? readResults(output) : undefined;
    const files = results ? filesToRepeat(results, (file) => readFileSync(file, 'utf8')) : [];
    if (files.length === 0) return exitCode;

    const names = (paths) => paths.map((path) => relative(root, path)).join(', ');
    say(`\nOnce more, alone: ${names(files)}\n`);
    const code = await jest('--runInBand', '--json', `${OUTPUT_FILE}${repetition}`, '--runTestsByPath', ...files);
    const again = readResults(repetition);
    if (again === undefined) return exitCode;
    const whole = withRepetition(results, again);
    writeFileSync(output, JSON.stringify(whole));
    if (whole.unsteady.length > 0) {
      say(`\nUnsteady, failed beside others and passed alone: ${names(whole.unsteady)}`);
      say('What failed is above; CONTRIBUTING.md (Tests) says what that means.');
    }
    return code === 0 && !whole.success ? exitCode : code;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Undefined where Jest came to no end. */
function readResults(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
