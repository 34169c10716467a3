import { describe, expect, test } from '@jest/globals';
import { filesToRepeat, withRepetition } from '../repeat-failed.mjs';

type File = Parameters<typeof filesToRepeat>[0]['testResults'][number];

const passed = { status: 'passed', failureMessages: [] };
const failed = { status: 'failed', failureMessages: ['Error: aborted'] };
const file = (name: string, ...assertionResults: File['assertionResults']): File => {
  const isFailed = assertionResults.length === 0 || assertionResults.includes(failed);
  return { name, status: isFailed ? 'failed' : 'passed', message: '', assertionResults };
};
const results = (...testResults: File[]) => ({
  success: false,
  testResults,
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
});

describe('once more is run', () => {
  const good = file('good', passed);

  test.each([
    ['nothing of a run without a failure', [good], []],
    ['what failed', [good, file('bad', failed, passed)], ['bad']],
    ['what did not even run', [good, file('broken')], ['broken']],
    ['nothing when much failed', ['a', 'b', 'c', 'd'].map((name) => file(name, failed)), []],
  ])('%s', (_what, files, repeated) => expect(filesToRepeat(results(...files))).toEqual(repeated));

  test.each(['Error: Property failed after 3 tests\n{ seed: 7 }', 'play it again with STANCE_MODEL_SEED=12'])(
    'nothing when a failure was found by chance: %s',
    (message) => {
      const found = file('found', passed, { ...failed, failureMessages: [message] });
      expect(filesToRepeat(results({ ...found, status: 'failed' }, file('bad', failed)))).toEqual([]);
    },
  );
});

describe('results with a repetition', () => {
  const first = results(
    file('good', passed, { status: 'pending', failureMessages: [] }),
    file('bad', failed, passed),
    file('broken'),
  );

  test('count what passed alone as passed, and name it', () => {
    expect(withRepetition(first, results(file('bad', passed, passed), file('broken', passed)))).toMatchObject({
      numPassedTests: 4,
      numFailedTests: 0,
      numPendingTests: 1,
      numRuntimeErrorTestSuites: 0,
      success: true,
      unsteady: ['bad', 'broken'],
    });
  });

  test('count what failed again as failed', () => {
    expect(withRepetition(first, results(file('bad', failed, passed), file('broken')))).toMatchObject({
      numPassedTests: 2,
      numFailedTests: 1,
      numPendingTests: 1,
      numRuntimeErrorTestSuites: 1,
      success: false,
      unsteady: [],
    });
  });

  test('count what was not repeated as it was', () => {
    expect(withRepetition(first, results(file('bad', passed, passed)))).toMatchObject({
      numPassedTests: 3,
      numFailedTests: 0,
      numRuntimeErrorTestSuites: 1,
      unsteady: ['bad'],
    });
  });
});
