import { SessionEnded, SessionRevoked, SessionStarted } from '@stance/contracts';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { sessionRecords } from '../records/sessions.js';
import { sessionColumns } from '../view/sessions.js';

interface Filter {
  readonly state?: string;
  readonly device?: string;
  readonly gateway?: string;
}

export function addSessions(program: Command, context: CommandContext): void {
  program
    .command('sessions')
    .description('sessions at the gateways: open, revoked and ended')
    .addOption(new Option('--state <state>', 'only those in this state').choices(['open', 'revoked', 'ended']))
    .option('--device <id>', 'only those of this device')
    .option('--gateway <name>', 'only those at this gateway')
    .action(async ({ state, device, gateway }: Filter) => {
      await context.connected(async (stack) => {
        const only = { ...(device !== undefined && { deviceId: device }), ...(gateway !== undefined && { gateway }) };
        const [started, ended, revoked] = await Promise.all([
          stack.table(SessionStarted, only),
          stack.table(SessionEnded, only),
          stack.table(SessionRevoked, only),
        ]);
        const now = Date.now();
        const rows = sessionRecords({ started, ended, revoked }, now).filter(
          (session) => (state ?? session.state) === session.state,
        );
        context.print(rows, (screen) => screen.table(sessionColumns(now), rows, 'No session.'));
      });
    });
}
