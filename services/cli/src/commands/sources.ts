import { OperatorActed, SourceReported } from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { showSources } from '../view/sources.js';
import { addSourcesApprove } from './sources-approve.js';
import { addSourcesTest } from './sources-test.js';

export function addSources(program: Command, context: CommandContext): void {
  const sources = program
    .command('sources')
    .description('the consoles that are polled: state, scope, agents, progress, last success, errors')
    .action(async () => {
      await context.connected(async (stack) => {
        const rows = (await stack.table(SourceReported)).map(({ data }) => data);
        const waits = rows.some(({ refusedSweep }) => refusedSweep !== undefined);
        const approvals = waits ? await stack.table(OperatorActed, { kind: 'sweep-approved' }) : [];
        context.print(rows, (screen) => showSources(screen, rows, approvals, Date.now()));
      });
    });
  addSourcesApprove(sources, context);
  addSourcesTest(sources, context);
}
