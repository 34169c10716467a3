import type { Command } from 'commander';
import { checkPolicy, readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { policyErrorLines } from '../../view/policy-errors.js';
import { counted, plain } from '../../view/text.js';

export function addCheck(policy: Command, context: CommandContext): void {
  policy
    .command('check <files...>')
    .description('list all that is wrong with a policy, tests of its own that fail included; needs no server')
    .option('--no-tests', 'leave its own tests out')
    .action((files: string[], { tests: withTests }: { tests: boolean }) => {
      const checked = files.map((file) => {
        const document = readPolicyFile(file);
        return { file, document, ...checkPolicy(document, Date.now(), { withTests }) };
      });
      if (checked.some(({ problems }) => problems.length > 0)) context.negative();
      context.print(
        checked.flatMap(({ file, problems }) => problems.map((problem) => ({ file, ...problem }))),
        (screen) => {
          for (const { file, document, problems, tests } of checked) {
            if (problems.length === 0) screen.line(`${plain(file)}: valid${testsText(tests.length)}`);
            for (const problem of problems) screen.lines(policyErrorLines(file, document, problem));
          }
        },
      );
    });
}

function testsText(count: number): string {
  return count === 0 ? '' : `, its ${counted(count, 'test')} passed`;
}
