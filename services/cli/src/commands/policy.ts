import { readFileSync } from 'node:fs';
import { PolicyActivated, PolicyPublished } from '@stance/contracts';
import { parsePolicy } from '@stance/policy';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { Unreachable, WrongUsage } from '../errors.js';
import { durationOption } from '../options.js';
import { awaitActivation, publishPolicy, type Activation } from '../publish-policy.js';
import { readLog } from '../read-table.js';
import { policyRecords } from '../records/policies.js';
import { systemUser } from '../system-user.js';
import { policyErrorLines } from '../view/policy-errors.js';
import { counted, relativeTime } from '../view/text.js';

export function addPolicy(program: Command, context: CommandContext): void {
  const policy = program.command('policy').description('check, publish and look back at policies');
  addCheck(policy, context);
  addPublish(policy, context);
  addHistory(policy, context);
}

function addCheck(policy: Command, context: CommandContext): void {
  policy
    .command('check <file>')
    .description('read a policy and list all that is wrong with it; needs no server')
    .action((file: string) => {
      const document = readDocument(file);
      const errors = errorsOf(document);
      if (errors.length > 0) context.negative();
      context.print(
        errors.map((error) => ({ file, ...error })),
        (screen) => {
          if (errors.length === 0) screen.line(`${file}: valid`);
          for (const error of errors) screen.lines(policyErrorLines(file, document, error));
        },
      );
    });
}

interface PublishOptions {
  readonly by?: string;
  readonly comment?: string;
  readonly timeout: number;
}

function addPublish(policy: Command, context: CommandContext): void {
  policy
    .command('publish <file>')
    .description('check a policy, publish it as the next revision and say what the engine made of it')
    .option('--by <name>', 'who publishes it (default: the user of this system)')
    .option('--comment <text>', 'why')
    .option('--timeout <duration>', 'how long to wait for the engine', durationOption, durationOption('10s'))
    .action(async (file: string, { by, comment, timeout }: PublishOptions) => {
      const document = readDocument(file);
      const errors = errorsOf(document);
      if (errors.length > 0) {
        context.negative();
        context.print({ revision: null, outcome: 'invalid', errors }, () => {
          for (const line of errors.flatMap((error) => policyErrorLines(file, document, error))) context.note(line);
          context.note(`not published: ${counted(errors.length, 'error')}`);
        });
        return;
      }
      const publishedBy = by ?? systemUser();
      await context.connected(async (stack) => {
        const published = await publishPolicy(stack, { document, publishedBy, comment });
        const activation = await awaitActivation(stack, published, timeout);
        if (activation === undefined) {
          throw new Unreachable(
            `revision ${published.revision} is published, but the engine has said nothing about it yet: is policy-engine running? See \`stance policy history\``,
          );
        }
        const outcome = outcomeOf(published.revision, activation);
        if (outcome === 'refused') context.negative();
        const errors = outcome === 'superseded' ? [] : activation.errors;
        context.print({ revision: published.revision, outcome, errors }, (screen) => {
          screen.line(`revision ${published.revision}: ${OUTCOMES[outcome]}`);
          for (const error of errors) screen.lines(policyErrorLines(file, document, error));
        });
      });
    });
}

function addHistory(policy: Command, context: CommandContext): void {
  policy
    .command('history')
    .description('every publication, the newest first, and what became of it')
    .action(async () => {
      await context.connected(async (stack) => {
        const [published, activated] = await Promise.all([
          readLog(stack.connection, PolicyPublished),
          readLog(stack.connection, PolicyActivated),
        ]);
        const records = policyRecords(published.events, activated.events);
        const now = Date.now();
        context.print(records, (screen) =>
          screen.table(
            [
              { title: 'REVISION', value: ({ revision }) => String(revision), alignRight: true },
              { title: 'STATE', value: ({ state }) => state, style: ({ state }) => STATE_STYLES[state] },
              { title: 'PUBLISHED', value: ({ publishedAt }) => relativeTime(publishedAt, now) },
              { title: 'BY', value: ({ publishedBy }) => publishedBy },
              { title: 'COMMENT', value: ({ comment, errors }) => errors[0]?.message ?? comment ?? '-' },
              { title: 'SHA-256', value: ({ sha256 }) => sha256.slice(0, 12) },
            ],
            records,
            'No policy was ever published: everything is denied.',
          ),
        );
      });
    });
}

const STATE_STYLES = { 'in-force': 'green', replaced: 'dim', refused: 'red', pending: 'yellow' } as const;

const OUTCOMES = {
  active: 'active',
  refused: 'refused by the engine; the policy before it stays in force',
  superseded: 'published, but a later revision was published before the engine came to it',
} as const;

function outcomeOf(revision: number, activation: Activation): keyof typeof OUTCOMES {
  return activation.revision === revision ? activation.outcome : 'superseded';
}

function readDocument(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new WrongUsage(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function errorsOf(document: string) {
  const parsed = parsePolicy(document);
  return parsed.ok ? [] : parsed.errors;
}
