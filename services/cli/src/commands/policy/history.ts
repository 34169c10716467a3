import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.js';
import { engineStatusIfAny } from '../../engine-status.js';
import { readPolicyLog } from '../../policy-log.js';
import { policyRecords, withPresentState, type PolicyRecord } from '../../records/policies.js';
import type { Style } from '../../view/paint.js';
import { relativeTime } from '../../view/text.js';

export function addHistory(policy: Command, context: CommandContext): void {
  policy
    .command('history')
    .description('every publication, the newest first, and what became of it')
    .action(async () => {
      await context.connected(async (stack) => {
        const { published, activated } = await readPolicyLog(stack);
        const engine = await engineStatusIfAny(stack);
        const records = withPresentState(policyRecords(published, activated), engine);
        const now = Date.now();
        context.print(records, (screen) =>
          screen.table(
            [
              { title: 'REVISION', value: ({ revision }) => String(revision), alignRight: true },
              { title: 'STATE', value: stateText, style: styleOf },
              { title: 'PUBLISHED', value: ({ publishedAt }) => relativeTime(publishedAt, now) },
              { title: 'BY', value: ({ publishedBy }) => publishedBy },
              ...(records.some(({ isSigned }) => isSigned) ? [SIGNED_BY] : []),
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

function stateText({ state, loads }: PolicyRecord): string {
  return loads === false ? `${state}, no longer loads` : state;
}

function styleOf({ state, loads }: PolicyRecord): Style {
  return loads === false ? 'red' : STATE_STYLES[state];
}

const SIGNED_BY = {
  title: 'SIGNED BY',
  value: ({ signer, isSigned }: PolicyRecord) => signer ?? (isSigned ? 'not verified' : '-'),
};

const STATE_STYLES = {
  'in-force': 'green',
  reporting: 'cyan',
  replaced: 'dim',
  refused: 'red',
  pending: 'yellow',
  unverified: 'red',
} as const satisfies Record<PolicyRecord['state'], Style>;
