import type { PolicyTestMismatch, PolicyTestResult } from '@stance/policy';
import { effectText, reasonText } from './effects.js';
import type { Paint } from './paint.js';
import { counted, plain } from './text.js';

/** A test that a policy carries: whether it passed, and below it what came out otherwise than expected, and why. */
export function policyTestLines({ name, passed, mismatches }: PolicyTestResult, paint: Paint): string[] {
  if (passed) return [`${paint('green', '✓')} ${plain(name)}`];
  return [`${paint('red', '✗')} ${plain(name)}`, ...mismatches.flatMap((mismatch) => mismatchLines(mismatch, paint))];
}

function mismatchLines({ resource, expected, actual, reasons, message }: PolicyTestMismatch, paint: Paint): string[] {
  const [wanted, got] = [expected, actual].map((effect) => effectText(effect, true, paint));
  const isPlain = message.startsWith(`${resource}: expected `);
  // Where the test could prove nothing, only the message says why.
  const text = isPlain ? `${plain(resource)}: expected ${wanted}, got ${got}` : plain(message);
  return [`  ${text}`, ...reasons.map((reason) => `    ${reasonText(reason)}`)];
}

/** How many of the tests in a file passed. */
export function testSummary(file: string, tests: readonly PolicyTestResult[], paint: Paint): string {
  if (tests.length === 0) return `${plain(file)}: ${paint('yellow', 'it carries no tests')}`;
  const failed = tests.filter(({ passed }) => !passed).length;
  if (failed === 0) return `${plain(file)}: ${paint('green', `${counted(tests.length, 'test')} passed`)}`;
  return `${plain(file)}: ${paint('red', `${failed} of ${counted(tests.length, 'test')} failed`)}`;
}
