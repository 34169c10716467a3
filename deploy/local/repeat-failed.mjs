/** Jest's results as its `--json` writes them, as far as they are read here.
 * @typedef {{ status: string, failureMessages: string[] }} Assertion
 * @typedef {{ name: string, status: string, message: string, assertionResults: Assertion[] }} FileResult
 * @typedef {{ success: boolean, testResults: FileResult[], numPassedTests: number, numFailedTests: number, numPendingTests: number,
 *   numTodoTests: number, numRuntimeErrorTestSuites: number, unsteady?: string[] }} Results
 */

/** When more files than these fail, it is not for want of time. */
const MOST_FILES = 3;
/** What property tests found by chance; another run would look elsewhere. */
const FOUND_BY_CHANCE = /Property failed after|_SEED=/;

/**
 * The files of a run that are run once more, alone, as what failed in them may be that the machine stood still; none where
 * that is no explanation.
 * @param {Results} results
 * @returns {string[]}
 */
export function filesToRepeat({ testResults }) {
  const failed = testResults.filter(({ status }) => status === 'failed');
  if (failed.length > MOST_FILES || failed.some(foundByChance)) return [];
  return failed.map(({ name }) => name);
}

/** @param {FileResult} file */
function foundByChance({ message, assertionResults }) {
  return [message, ...assertionResults.flatMap((test) => test.failureMessages)].some((text) =>
    FOUND_BY_CHANCE.test(text),
  );
}

/**
 * The results of a run, with those of a repetition in the place of what they repeat; `unsteady` are the files that failed
 * beside others and passed alone.
 * @param {Results} results
 * @param {Results} repetition
 * @returns {Results & { unsteady: string[] }}
 */
export function withRepetition(results, repetition) {
  const repeated = new Map(repetition.testResults.map((file) => [file.name, file]));
  const testResults = results.testResults.map((file) => repeated.get(file.name) ?? file);
  const tests = testResults.flatMap((file) => file.assertionResults);
  const count = (/** @type {string} */ status) => tests.filter((test) => test.status === status).length;
  return {
    ...results,
    success: testResults.every(({ status }) => status !== 'failed'),
    testResults,
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    numTodoTests: count('todo'),
    numRuntimeErrorTestSuites: testResults.filter(isRuntimeError).length,
    unsteady: repetition.testResults.filter(({ status }) => status === 'passed').map(({ name }) => name),
  };
}

/** @param {FileResult} file */
function isRuntimeError({ status, assertionResults }) {
  return status === 'failed' && assertionResults.every((test) => test.status !== 'failed');
}
