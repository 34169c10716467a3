import { describe, expect, test } from '@jest/globals';
import { filesToRepeat, withRepetition } from '../repeat-failed.mjs';

type File = Parameters<typeof filesToRepeat>[0]['testResults'][number];
type Status = 'passed' | 'failed' | 'pending';

/** A file as Jest tells of it; one without tests could not be read. */
function file(name: string, ...tests: Status[]): File {
  const bad = tests.length === 0 || tests.includes('failed');
  const status = bad ? 'failed' : tests.includes('pending') ? 'focused' : 'passed';
  return { name, status, assertionResults: tests.map((each) => ({ status: each })) };
}
const results = (...testResults: File[]) => ({ success: false, testResults });

describe('once more is run', () => {
  const plain = () => "test('it works', () => undefined);";

  test.each([
    ['nothing of a run without a failure', [file('good', 'passed'), file('less', 'pending')], []],
    ['what failed', [file('good', 'passed'), file('bad', 'failed', 'passed')], ['bad']],
    ['what could not be read', [file('good', 'passed'), file('broken')], ['broken']],
    ['three files', ['a', 'b', 'c'].map((name) => file(name, 'failed')), ['a', 'b', 'c']],
    ['nothing when more failed', ['a', 'b', 'c', 'd'].map((name) => file(name, 'failed')), []],
  ])('%s', (_what, files, repeated) => expect(filesToRepeat(results(...files), plain)).toEqual(repeated));

  test.each([
    "import fc from 'fast-check';",
    "process.env['STANCE_ESTATE_SEED']",
    'const seed = Date.now() % 1_000_000;',
  ])('nothing when a file failed that looks by chance: %s', (source) => {
    const sourceOf = (name: string) => (name === 'found' ? source : plain());
    expect(filesToRepeat(results(file('bad', 'failed')), sourceOf)).toEqual(['bad']);
    expect(filesToRepeat(results(file('found', 'failed'), file('bad', 'failed')), sourceOf)).toEqual([]);
  });
});

describe('results with a repetition', () => {
  const first = results(file('good', 'passed', 'pending'), file('bad', 'failed', 'passed', 'pending'), file('broken'));

  test('count what passed alone as passed, and name it', () => {
    const again = results(file('bad', 'passed', 'passed', 'pending'), file('broken', 'passed', 'pending'));
    expect(withRepetition(first, again)).toMatchObject({
      success: true,
      numPassedTestSuites: 3,
      numFailedTestSuites: 0,
      numRuntimeErrorTestSuites: 0,
      numPassedTests: 4,
      numFailedTests: 0,
      numPendingTests: 3,
      unsteady: ['bad', 'broken'],
    });
  });

  test('count what failed again as failed', () => {
    const again = results(file('bad', 'failed', 'passed', 'pending'), file('broken'));
    expect(withRepetition(first, again)).toMatchObject({
      success: false,
      numPassedTestSuites: 1,
      numFailedTestSuites: 2,
      numRuntimeErrorTestSuites: 1,
      numPassedTests: 2,
      numFailedTests: 1,
      unsteady: [],
    });
  });

  test.each([
    ['was not repeated', [file('broken', 'passed')]],
    ['was skipped then', [file('bad', 'pending', 'passed', 'pending'), file('broken', 'passed')]],
  ])('count what %s as it was', (_what, again) => {
    expect(withRepetition(first, results(...again))).toMatchObject({
      success: false,
      numFailedTests: 1,
      unsteady: ['broken'],
    });
  });
});
