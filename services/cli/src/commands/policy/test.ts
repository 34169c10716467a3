import type { Command } from 'commander';
import { checkPolicy, readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { policyErrorLines } from '../../view/policy-errors.js';
import { policyTestLines, testSummary } from '../../view/policy-tests.js';

export function addTest(policy: Command, context: CommandContext): void {
  policy
    .command('test <files...>')
    .description('run the tests that policies carry, one line each; needs no server')
    .action((files: string[]) => {
      const tested = files.map((file) => {
        const document = readPolicyFile(file);
        return { file, document, ...checkPolicy(document, Date.now()) };
      });
      if (tested.some(({ problems }) => problems.length > 0)) context.negative();
      context.print(
        tested.map(({ file, policy: valid, problems, tests }) => ({
          file,
          errors: valid === undefined ? problems : [],
          tests,
        })),
        (screen) => {
          for (const { file, document, policy: valid, problems, tests } of tested) {
            if (valid === undefined) {
              for (const problem of problems) screen.lines(policyErrorLines(file, document, problem));
            } else {
              screen.lines(tests.flatMap((result) => policyTestLines(result, screen.paint)));
              screen.line(testSummary(file, tests, screen.paint));
            }
          }
        },
      );
    });
}
