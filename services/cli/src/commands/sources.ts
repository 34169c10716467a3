import { SourceReported } from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { sourceStyle } from '../view/status.js';
import { relativeTime } from '../view/text.js';

export function addSources(program: Command, context: CommandContext): void {
  program
    .command('sources')
    .description('the consoles that are polled: state, agents, last success, errors')
    .action(async () => {
      await context.connected(async (stack) => {
        const sources = (await stack.table(SourceReported)).map(({ data }) => data);
        const now = Date.now();
        context.print(sources, (screen) =>
          screen.table(
            [
              { title: 'SOURCE', value: ({ source }) => source, whole: true },
              { title: 'KIND', value: ({ kind }) => kind },
              { title: 'STATE', value: ({ state }) => state, style: sourceStyle },
              { title: 'AGENTS', value: ({ agents }) => String(agents), alignRight: true },
              { title: 'CHANGES', value: ({ changed }) => String(changed), alignRight: true },
              { title: 'LAST SUCCESS', value: ({ lastSuccessAt }) => relativeTime(lastSuccessAt, now) },
              { title: 'NEXT', value: (row) => relativeTime(row.pausedUntil ?? row.nextAttemptAt, now) },
              { title: 'LAST SWEEP', value: ({ sweep }) => relativeTime(sweep?.completedAt, now) },
              { title: 'ERROR', value: ({ error }) => error?.title ?? '-' },
            ],
            sources,
            'No source has reported yet: is sentinelone-poller running?',
          ),
        );
      });
    });
}
