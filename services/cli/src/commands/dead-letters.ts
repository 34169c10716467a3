import { DEAD_LETTER_CODES, DeadLettered, type DeadLetterCode } from '@stance/contracts';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { wholeNumber } from '../options.js';
import { deadLetterColumns, showDeadLetter } from '../view/dead-letters.js';
import { escapedJson } from '../view/text.js';
import { newestDeadLetters, readDeadLetter } from './dead-letters-read.js';

interface ListOptions {
  readonly service?: string;
  readonly code?: DeadLetterCode;
  readonly last: number;
}

export function addDeadLetters(program: Command, context: CommandContext): void {
  const deadLetters = program
    .command('dead-letters')
    .description('messages that a service could not use: why, and what to do');
  addList(deadLetters, context);
  addShow(deadLetters, context);
}

function addList(deadLetters: Command, context: CommandContext): void {
  deadLetters
    .command('list', { isDefault: true })
    .description('the newest, oldest first; also without the word list')
    .addOption(new Option('--service <name>', 'only those of this service').choices(DeadLettered.owners))
    .addOption(new Option('--code <code>', 'only those with this code').choices(Object.keys(DEAD_LETTER_CODES)))
    .option('--last <n>', 'how many', wholeNumber(1, 1_000), 20)
    .action(async ({ service, code, last }: ListOptions) => {
      await context.connected(async ({ manager }) => {
        const { letters, unreadable } = await newestDeadLetters(manager, { service, code, last });
        if (unreadable > 0) context.note(`${unreadable} unreadable ${DeadLettered.name} events were left out`);
        if (context.json) printEscaped(letters, context);
        else context.screen.table(deadLetterColumns(Date.now()), letters, 'No dead letter.');
      });
    });
}

function addShow(deadLetters: Command, context: CommandContext): void {
  deadLetters
    .command('show')
    .argument('<sequence>', 'which one, as the list has it', wholeNumber(1))
    .description('one of them whole: where it came from, why it died, what to do, and whether it was set right since')
    .action(async (sequence: number) => {
      await context.connected(async ({ manager }) => {
        const record = await readDeadLetter(manager, sequence);
        if (context.json) printEscaped(record, context);
        else showDeadLetter(context.screen, record, Date.now());
      });
    });
}

/** What died may hold anything, and people read JSON on terminals too. */
function printEscaped(value: unknown, { io }: CommandContext): void {
  io.stdout.write(`${escapedJson(value, 0)}\n`);
}
