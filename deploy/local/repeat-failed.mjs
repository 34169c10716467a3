/**
 * Jest's results as its `--json` writes them, as far as they are read here.
 * @typedef {{ status: string }} TestResult
 * @typedef {{ name: string, status: string, assertionResults: TestResult[] }} FileResult
 * @typedef {{ success: boolean, testResults: FileResult[], unsteady?: string[] }} Results
 */

/** More files than these do not fail because the machine was busy. */
const MOST_FILES = 3;
/** What such a spec finds it has found by chance: another run would look elsewhere. */
const LOOKS_BY_CHANCE = /\bfast-check\b|_SEED\b|Date\.now\(\) %/;

/**
 * The files of a run that are run once more, alone; none where that would explain nothing.
 * @param {Results} results
 * @param {(file: string) => string} sourceOf
 * @returns {string[]}
 */
export function filesToRepeat({ testResults }, sourceOf) {
  const failed = testResults.filter(isFailed).map(({ name }) => name);
  const isExplained = failed.length <= MOST_FILES && !failed.some((name) => LOOKS_BY_CHANCE.test(sourceOf(name)));
  return isExplained ? failed : [];
}

/**
 * The results of a run, with those of a repetition in the place of what they repeat, and the counts that go with them;
 * `unsteady` are the files that failed beside others and passed alone.
 * @param {Results} results
 * @param {Results} repetition
 * @returns {Results & { unsteady: string[] }}
 */
export function withRepetition(results, repetition) {
  const failed = results.testResults.filter(isFailed);
  const repeated = new Map(repetition.testResults.map((file) => [file.name, file]));
  // A test that is skipped alone has shown nothing.
  const isShown = (/** @type {FileResult} */ { name, assertionResults: before }) =>
    before.length === 0 || countOf('pending', repeated.get(name)?.assertionResults ?? []) <= countOf('pending', before);
  const shown = new Set(failed.filter(isShown).map(({ name }) => name));
  const testResults = results.testResults.map((file) => (shown.has(file.name) && repeated.get(file.name)) || file);
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    ...results,
    success: !testResults.some(isFailed),
    testResults,
    numFailedTestSuites: testResults.filter(isFailed).length,
    numPassedTestSuites: testResults.filter((file) => !isFailed(file)).length,
    numRuntimeErrorTestSuites: testResults.filter(isRuntimeError).length,
    numFailedTests: countOf('failed', tests),
    numPassedTests: countOf('passed', tests),
    numPendingTests: countOf('pending', tests),
    numTodoTests: countOf('todo', tests),
    unsteady: testResults.filter((file) => shown.has(file.name) && !isFailed(file)).map(({ name }) => name),
  };
}

/** Of a file of which nothing failed Jest says `passed`, or `focused` or `skipped` where it holds a skipped test. */
function isFailed(/** @type {FileResult} */ { status }) {
  return status === 'failed';
}

/** It failed outside of its tests: it could not be read, or its process died. */
function isRuntimeError(/** @type {FileResult} */ file) {
  return isFailed(file) && countOf('failed', file.assertionResults) === 0;
}

function countOf(/** @type {string} */ status, /** @type {TestResult[]} */ tests) {
  return tests.filter((test) => test.status === status).length;
}
