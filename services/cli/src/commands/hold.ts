import { GetEngineStatus } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { holdColumns, showHolds } from '../view/holds.js';
import { addRelease } from './hold-release.js';

export function addHold(program: Command, context: CommandContext): void {
  const hold = program.command('hold').description('revocations that gateways hold back because they are too many');
  addList(hold, context);
  addRelease(hold, context);
}

function addList(hold: Command, context: CommandContext): void {
  hold
    .command('list')
    .description('the gateways that hold revocations back: how many wait, since when, until when')
    .action(async () => {
      await context.connected(async ({ connection }) => {
        const { holds } = await ask(connection, GetEngineStatus, {});
        const now = Date.now();
        context.print(holds, (screen) => {
          screen.table(holdColumns(now), holds, 'No gateway holds revocations back.');
          showHolds(screen, holds, now);
        });
      });
    });
}
