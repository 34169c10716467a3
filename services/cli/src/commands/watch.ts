import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { Unreachable } from '../errors.js';
import { durationOption, wholeNumber } from '../options.js';
import type { Happening } from '../records/happenings.js';
import type { Stack } from '../stack.js';
import { happeningLine } from '../view/happening.js';
import { watch } from '../watch.js';

interface WatchOptions {
  readonly last: number;
  readonly for?: number;
  readonly count?: number;
  readonly device?: string;
}

export function addWatch(program: Command, context: CommandContext): void {
  program
    .command('watch')
    .description(
      'each decision, revocation, ended session and act of a person as it happens, with reaction time and reason',
    )
    .option('--last <n>', 'begin with the last n that happened', wholeNumber(0, 1_000), 0)
    .option('--for <duration>', 'end after this time', durationOption)
    .option('--count <n>', 'end after this many', wholeNumber(1))
    .option('--device <id>', 'only what happens to this device')
    .action(async (options: WatchOptions) => {
      await context.connected(async (stack) => {
        const enough = new AbortController();
        const signals = [enough.signal, context.io.interruption()];
        if (options.for !== undefined) signals.push(AbortSignal.timeout(options.for));
        void abortWhenClosed(stack, enough);
        if (!context.json) context.note('watching; end with Ctrl-C');
        let seen = 0;
        const { last, device: deviceId } = options;
        await watch(stack, { last, deviceId, signal: AbortSignal.any(signals) }, (happening) => {
          if (enough.signal.aborted) return;
          show(happening, context);
          seen += 1;
          if (seen === options.count) enough.abort();
        });
        if (enough.signal.reason instanceof Unreachable) throw enough.signal.reason;
      });
    });
}

function show(happening: Happening, context: CommandContext): void {
  context.print(happening, (screen) => screen.line(happeningLine(happening, screen.paint)));
}

/** Reconnecting goes on for ever, so a closed connection is one that the server refuses. */
async function abortWhenClosed(stack: Stack, watching: AbortController): Promise<void> {
  const error = await stack.connection.closed();
  watching.abort(new Unreachable(`the connection to NATS is closed: ${error?.message ?? 'by the server'}`));
}
