import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { MAX_POLICY_CHARACTERS } from '@stance/contracts';
import { compilePolicy, parsePolicy, runPolicyTests, type Policy, type PolicyTestResult } from '@stance/policy';
import { LineCounter, parseDocument } from 'yaml';
import { WrongUsage } from './errors.js';
import { exceptionNotes } from './exception-notes.js';

/** Something that keeps a policy from being published, and where it is. */
export interface PolicyProblem {
  readonly message: string;
  /** From 1. */
  readonly line?: number | undefined;
  /** From 1. */
  readonly column?: number | undefined;
  readonly path?: string | undefined;
}

export interface CheckedPolicy {
  /** Undefined where its form or its meaning is wrong. */
  readonly policy: Policy | undefined;
  /** What is wrong with it, tests of its own that fail included. */
  readonly problems: readonly PolicyProblem[];
  /** What will be wrong with it by and by. */
  readonly notes: readonly PolicyProblem[];
  /** Of its own tests; empty where they could not be run, or were not to be. */
  readonly tests: readonly PolicyTestResult[];
}

/** Checks form and meaning of a policy, and runs its own tests as of `now` (milliseconds) unless told not to. */
export function checkPolicy(document: string, now: number, { withTests = true } = {}): CheckedPolicy {
  const parsed = parsePolicy(document);
  if (!parsed.ok) return { policy: undefined, problems: parsed.errors, notes: [], tests: [] };
  const { policy } = parsed;
  if (!withTests) return { policy, problems: [], notes: [], tests: [] };
  const tests = runPolicyTests(compilePolicy(policy), now);
  const problems = atTests(document, tests.map(failureText));
  return { policy, problems, notes: atTests(document, exceptionNotes(policy, tests, now)), tests };
}

/** Worded as the engine words it when it refuses a policy; undefined of a test that passed. */
function failureText({ name, passed, mismatches }: PolicyTestResult): string | undefined {
  return passed ? undefined : `test "${name}" fails: ${mismatches.map(({ message }) => message).join('; ')}`;
}

/** What there is to say of each test, undefined of most, at the places where they stand. */
function atTests(document: string, messages: readonly (string | undefined)[]): PolicyProblem[] {
  if (messages.every((message) => message === undefined)) return [];
  const lineCounter = new LineCounter();
  const yaml = parseDocument(document, { lineCounter });
  return messages.flatMap((message, index) => {
    if (message === undefined) return [];
    return [{ message, ...positionOf(yaml.getIn(['tests', index], true), lineCounter), path: `tests[${index}]` }];
  });
}

function positionOf(node: unknown, lineCounter: LineCounter): Pick<PolicyProblem, 'line' | 'column'> {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return {};
  const [start] = node.range as unknown[];
  if (typeof start !== 'number') return {};
  const { line, col } = lineCounter.linePos(start);
  return { line, column: col };
}

/** More than a policy has in its longest form; what is larger need not be read to be refused. */
const MAX_FILE_BYTES = 4 * MAX_POLICY_CHARACTERS;

/** Throws {@link WrongUsage} for a file that cannot be read, or is no text. */
export function readPolicyFile(file: string): string {
  const bytes = bytesOf(file);
  if (!isUtf8(bytes)) throw new WrongUsage(`${file} is no UTF-8 text: save it as UTF-8`);
  return bytes.toString('utf8');
}

function bytesOf(file: string): Buffer {
  try {
    const { size } = statSync(file);
    if (size <= MAX_FILE_BYTES) return readFileSync(file);
  } catch (error) {
    throw new WrongUsage(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  throw new WrongUsage(`${file} is too large for a policy: it has at most ${MAX_POLICY_CHARACTERS} characters`);
}
