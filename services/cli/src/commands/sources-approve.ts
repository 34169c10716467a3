import { AgentMatched, OperatorActed, SourceReported } from '@stance/contracts';
import type { Command } from 'commander';
import { act } from '../act.js';
import type { CommandContext } from '../command-context.js';
import { confirmed, requireTerminal } from '../confirmed.js';
import { WrongUsage } from '../errors.js';
import { saidOption } from '../options.js';
import { didYouMean } from '../records/nearest.js';
import { APPROVED_FOR_MS, isApproved, type RefusedSweep } from '../records/sweep-approvals.js';
import type { Stack } from '../stack.js';
import { systemUser } from '../system-user.js';
import type { Screen } from '../view/screen.js';
import { refusalText } from '../view/sources.js';
import { grouped, relativeTime } from '../view/text.js';

interface ApproveOptions {
  readonly reason: string;
  readonly by?: string;
  readonly yes?: boolean;
}

/** Absent agents that are shown by name. */
const EXAMPLES = 10;

export function addSourcesApprove(sources: Command, context: CommandContext): void {
  sources
    .command('approve <source>')
    .description('believe a sweep that was refused because it would retire too many agents')
    .requiredOption('--reason <text>', 'why; recorded', saidOption)
    .option('--by <who>', 'who says so; recorded (default: the user of this system)', saidOption)
    .option('--yes', 'do not ask')
    .action(async (source: string, { reason, yes = false, by = systemUser() }: ApproveOptions) => {
      if (!yes) requireTerminal(context, 'approve');
      await context.connected(async (stack) => {
        const refused = await refusedSweep(stack, source);
        const target = { kind: 'sweep-approved', targetId: source } as const;
        const { event: last, sequence } = await stack.last(OperatorActed, target);
        if (last !== undefined && isApproved(source, refused, last, Date.now())) {
          throw new WrongUsage(
            `${last.data.by} approved this sweep of ${source} already, ${relativeTime(last.time, Date.now())}: its next sweep acts on it`,
          );
        }
        if (!context.json) await showRefused(context.screen, stack, source, refused);
        const question = `Let the next sweep of ${source} retire ${these(refused)}?`;
        if (!yes && !(await confirmed(context.io, question))) {
          context.negative();
          context.note('not approved: nothing was done');
          return;
        }
        await requireUnchanged(stack, source, refused);
        const { startedAt, digest } = refused;
        const until = new Date(Date.now() + APPROVED_FOR_MS).toISOString();
        const approval = { ...target, by, reason, until, details: { startedAt, digest } };
        await act(stack, approval, sequence);
        context.print(approval, (screen) =>
          screen.paragraph(
            `approved for an hour: the next sweep of ${source} may retire ${these(refused)}, no others; see \`stance sources\``,
          ),
        );
      });
    });
}

/** A refused sweep that says by a digest which agents were absent. */
type ApprovableSweep = RefusedSweep & { readonly digest: string };

async function refusedSweep(stack: Stack, source: string): Promise<ApprovableSweep> {
  const report = (await stack.last(SourceReported, { source })).event?.data;
  if (report === undefined) {
    const names = (await stack.table(SourceReported)).map(({ data }) => data.source);
    throw new WrongUsage(`there is no source ${source}${didYouMean(source, names) || ': see `stance sources`'}`);
  }
  const { refusedSweep: refused } = report;
  if (refused === undefined) {
    throw new WrongUsage(`${source} has refused no sweep, so there is nothing to approve: see \`stance sources\``);
  }
  const { digest } = refused;
  if (digest !== undefined) return { ...refused, digest };
  throw new WrongUsage(
    `${source} does not say which agents its refused sweep found absent, so nobody can approve of it: update sentinelone-poller and wait for its next sweep`,
  );
}

/** What was shown is what is approved. */
async function requireUnchanged(stack: Stack, source: string, shown: RefusedSweep): Promise<void> {
  const { startedAt, digest } = await refusedSweep(stack, source);
  if (startedAt !== shown.startedAt || digest !== shown.digest) {
    throw new WrongUsage(`${source} has swept again meanwhile, so nothing was approved: run the command again`);
  }
}

function these({ absent }: RefusedSweep): string {
  return absent === 1 ? 'this agent' : `these ${grouped(absent)} agents`;
}

async function showRefused(screen: Screen, stack: Stack, source: string, refused: RefusedSweep): Promise<void> {
  const now = Date.now();
  const examples = await Promise.all(
    refused.examples.slice(0, EXAMPLES).map(async (agentId) => ({
      agentId,
      register: (await stack.last(AgentMatched, { source, agentId })).event?.data,
    })),
  );
  screen.paragraph(`${source}: ${refusalText(refused, now)}.`);
  screen.paragraph(
    'Once retired, what these agents reported counts no more, and a device without another agent has no posture.',
  );
  screen.table(
    [
      { title: 'ABSENT AGENT', value: ({ agentId }) => agentId, whole: true },
      { title: 'HOST NAME', value: ({ register }) => register?.hostname ?? '-' },
      { title: 'DEVICE', value: ({ register }) => register?.device ?? '-' },
      { title: 'LAST SEEN', value: ({ register }) => relativeTime(register?.lastSeenAt, now) },
    ],
    examples,
    'The source names none of them.',
  );
  const more = refused.absent - examples.length;
  if (more > 0 && examples.length > 0) screen.line(`and ${grouped(more)} more`);
}
