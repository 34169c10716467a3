import { describe, expect, test } from '@jest/globals';
import { asTold, asWanted, goldenFiles, momentsOf, readGoldenCase, type GoldenCase } from '@stance/testing';
import { compilePolicy, parsePolicy, runPolicyTests } from './index.js';
import { Evaluator } from './spec/told-by-the-evaluator.js';

/** The same cases run through the service in `services/policy-engine/src/golden.nats.spec.ts`. */
describe('golden cases', () => {
  test.each(goldenFiles())('$name', (file) => {
    const golden = readGoldenCase(file);
    const evaluator = new Evaluator(golden.device?.id ?? 'laptop');
    for (const moment of momentsOf(golden)) {
      const outcome = evaluator.tell(moment);
      expect({ moment: moment.name, ...asTold(outcome) }).toMatchObject({
        moment: moment.name,
        ...asWanted(moment.wanted),
      });
    }
    const { tests } = golden;
    expect({ tests: testsIn(golden) }).toMatchObject(tests === undefined ? {} : { tests });
  });
});

function testsIn({ policy, now }: GoldenCase): ReturnType<typeof runPolicyTests> {
  const parsed = parsePolicy(policy);
  return parsed.ok ? runPolicyTests(compilePolicy(parsed.policy), Date.parse(now)) : [];
}
