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
        checked.flatMap(({ file, problems, notes }) => [
          ...problems.map((problem) => ({ file, ...problem })),
          ...notes.map((note) => ({ file, ...note, note: true })),
        ]),
        (screen) => {
          for (const { file, document, problems, notes, tests } of checked) {
            if (problems.length === 0) screen.line(`${plain(file)}: valid${testsText(tests.length)}`);
            for (const problem of problems) screen.lines(policyErrorLines(file, document, problem));
            for (const { message, ...place } of notes) {
              screen.lines(policyErrorLines(file, document, { message: `note: ${message}`, ...place }));
            }
          }
        },
      );
    });
}

function testsText(count: number): string {
  return count === 0 ? '' : `, its ${counted(count, 'test')} passed`;
}
