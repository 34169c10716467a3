import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.js';
import { readPolicyLog } from '../../policy-log.js';
import { policyRecords, type PolicyRecord } from '../../records/policies.js';
import type { Style } from '../../view/paint.js';
import { relativeTime } from '../../view/text.js';

export function addHistory(policy: Command, context: CommandContext): void {
  policy
    .command('history')
    .description('every publication, the newest first, and what became of it')
    .action(async () => {
      await context.connected(async (stack) => {
        const { published, activated } = await readPolicyLog(stack);
        const records = policyRecords(published, activated);
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

const STATE_STYLES = {
  'in-force': 'green',
  reporting: 'cyan',
  replaced: 'dim',
  refused: 'red',
  pending: 'yellow',
} as const satisfies Record<PolicyRecord['state'], Style>;
