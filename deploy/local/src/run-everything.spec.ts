import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '@stance/testing';
import { outputFileOf, runEverything } from '../run-everything.mjs';

/** One run of Jest: its exit code, and what became of the only file; without that it ends before it has results. */
interface Run {
  readonly exitCode: number;
  readonly file?: 'passed' | 'failed';
}

const BAD: Run = { exitCode: 1, file: 'failed' };
const GOOD: Run = { exitCode: 0, file: 'passed' };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder.path, 'a.spec.ts'), '');
});
afterEach(() => folder.remove());

/** Plays Jest, run by run; gives the exit code of the whole, the arguments of each run, and what was said. */
async function play(runs: readonly Run[], outputFile = '') {
  const asked: string[][] = [];
  const said: string[] = [];
  const jest = async (...args: string[]) => {
    const { exitCode, file: status } = runs[asked.length] ?? { exitCode: 99 };
    asked.push(args);
    const output = args.find((argument) => argument.startsWith('--outputFile='))?.slice('--outputFile='.length) ?? '';
    const name = join(folder.path, 'a.spec.ts');
    const testResults = [{ name, status, assertionResults: [{ status }] }];
    if (status !== undefined) await writeFile(output, JSON.stringify({ success: status === 'passed', testResults }));
    return exitCode;
  };
  const say = (line: string) => void said.push(line);
  const exitCode = await runEverything(jest, { root: folder.path, outputFile, say });
  return { exitCode, asked, said: said.join('\n') };
}

describe('a run of everything', () => {
  test.each<[string, Run[], { exitCode: number; runs: number; unsteady: boolean }]>([
    ['that passes is the end of it', [GOOD], { exitCode: 0, runs: 1, unsteady: false }],
    ['whose failure passes alone passes, and says so', [BAD, GOOD], { exitCode: 0, runs: 2, unsteady: true }],
    ['whose failure fails alone fails', [BAD, BAD], { exitCode: 1, runs: 2, unsteady: false }],
    ['whose repetition has no results fails', [BAD, { exitCode: 0 }], { exitCode: 1, runs: 2, unsteady: false }],
    ['that has no results fails', [{ exitCode: 1 }], { exitCode: 1, runs: 1, unsteady: false }],
    ['that was ended is not repeated', [{ ...BAD, exitCode: 137 }], { exitCode: 137, runs: 1, unsteady: false }],
    ['that fails beside its tests fails', [{ ...GOOD, exitCode: 1 }], { exitCode: 1, runs: 1, unsteady: false }],
  ])('%s', async (_what, runs, { exitCode, runs: ran, unsteady }) => {
    const played = await play(runs);
    expect(played).toMatchObject({ exitCode, asked: { length: ran } });
    expect(played.said.includes('Unsteady, failed beside others and passed alone: a.spec.ts')).toBe(unsteady);
  });

  test('repeats by path, in one process', async () => {
    const { asked } = await play([BAD, GOOD]);
    const alone = ['--runInBand', '--runTestsByPath', join(folder.path, 'a.spec.ts')];
    expect(asked[1]).toEqual(expect.arrayContaining(alone));
  });

  test('leaves the results of the whole where it was asked to, below the root', async () => {
    await play([BAD, GOOD], 'results.json');
    const results: unknown = JSON.parse(await readFile(join(folder.path, 'results.json'), 'utf8'));
    expect(results).toMatchObject({ success: true, numPassedTests: 1, unsteady: [join(folder.path, 'a.spec.ts')] });
  });

  test('does not take the results of a former run for its own', async () => {
    await play([BAD, BAD], 'results.json');
    expect(await play([{ exitCode: 1 }, GOOD], 'results.json')).toMatchObject({ exitCode: 1, asked: { length: 1 } });
  });
});

test.each([
  ['no arguments', [], ''],
  ['results asked for', ['--json', '--outputFile=x.json'], 'x.json'],
  ['results to be printed', ['--json'], undefined],
  ['some of the tests', ['libs/policy'], undefined],
  ['some of the tests, and their results', ['--json', '--outputFile=x.json', 'libs'], undefined],
  ['tests that are watched', ['--watch'], undefined],
])('with %s, results of everything go to: %j', (_what, args, outputFile) => {
  expect(outputFileOf(args)).toBe(outputFile);
});
