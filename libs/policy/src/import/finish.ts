import { compilePolicy } from '../evaluation/compile-policy.js';
import { parsePolicy } from '../parse-policy.js';
import { runPolicyTests, type PolicyTestResult } from '../policy-tests/run-policy-tests.js';
import { writeDraft, type DraftTest, type PolicyDraft } from './draft.js';
import type { JsonSource } from './json-source.js';
import type { ImportReport } from './report.js';
import type { ImportError, ImportResult } from './result.js';

/** More names than this in all rules together is no policy that people could review. */
const MAX_REFERENCES = 50_000;
/** Tests start from fresh values, so that any instant does. */
const NOW = Date.UTC(2026, 0, 1);

/**
 * Writes the policy and proves it: it has to parse, and every test of the source has to hold for it. A test that expects
 * access which was not carried over is taken out and reported; one that expects a denial and fails ends the import.
 */
export function finishImport(draft: PolicyDraft, report: ImportReport, source: JsonSource): ImportResult {
  const references = draft.rules.reduce((sum, rule) => sum + Object.values(rule).flat().length, 0);
  if (references > MAX_REFERENCES) {
    return refused(`the policy would hold ${references} names; at most ${MAX_REFERENCES} can be imported at a time`);
  }
  const parsed = parsePolicy(writeDraft(draft));
  if (!parsed.ok) {
    const problems = parsed.errors.slice(0, 3).map(({ path, message }) => `${path}: ${message}`);
    return refused(`no policy can be made of this: ${problems.join('; ')}`);
  }
  const results = runPolicyTests(compilePolicy(parsed.policy), NOW);
  const errors = draft.tests.flatMap((test, index) => brokenDenials(test, results[index], source));
  if (errors.length > 0) return { ok: false, errors };
  const tests = draft.tests.flatMap((test, index) => whatHolds(test, results[index], report));
  return { ok: true, document: writeDraft({ ...draft, tests }), report: report.notes() };
}

/** An import that fails as a whole, at no place of the file. */
export const refused = (message: string): ImportResult => ({ ok: false, errors: [{ message, line: 1, column: 1 }] });

function brokenDenials(test: DraftTest, result: PolicyTestResult | undefined, source: JsonSource): ImportError[] {
  const broken = result?.mismatches.filter(({ expected, actual }) => expected === 'deny' && actual !== 'deny') ?? [];
  return broken.map(({ resource }) => ({
    message: `this test expects that ${resource} is not reached, but a rule allows it: correct one of them first`,
    ...source.locate(test.path),
  }));
}

function whatHolds(test: DraftTest, result: PolicyTestResult | undefined, report: ImportReport): DraftTest[] {
  const mismatches = result?.mismatches ?? [];
  for (const { resource, message } of mismatches) {
    report.leftOut(test.path, `${resource} is taken out of this test, as the policy denies it (${message})`);
  }
  const failed = new Set(mismatches.map(({ resource }) => resource));
  const expect = new Map([...test.expect].filter(([resource]) => !failed.has(resource)));
  return expect.size === 0 ? [] : [{ ...test, expect }];
}
