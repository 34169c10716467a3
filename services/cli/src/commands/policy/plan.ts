import { PLAN_DEADLINE_SECONDS, PlanPolicy, type PolicyPlan } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import type { Command } from 'commander';
import { readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { wholeNumber } from '../../options.js';
import type { Stack } from '../../stack.js';
import { planErrorLines, showPlan } from '../../view/plan.js';
import { counted, grouped } from '../../view/text.js';

/** A little longer than the engine tries, to hear from itself that it gave up; a million devices take about a minute. */
const TIMEOUT_MS = (PLAN_DEADLINE_SECONDS + 5) * 1_000;

interface PlanOptions {
  readonly all?: boolean;
  readonly maxRevocations?: number;
}

export function addPlan(policy: Command, context: CommandContext): void {
  policy
    .command('plan <file>')
    .description('what a policy would change for the devices and open sessions there are; publishes nothing')
    .option('--all', 'show every device that the engine names, not only the first 20')
    .option('--max-revocations <n>', 'exit with 1 when more open sessions than this would be revoked', wholeNumber(0))
    .action(async (file: string, { all = false, maxRevocations = Infinity }: PlanOptions) => {
      const document = readPolicyFile(file);
      await context.connected(async (stack) => {
        const plan = await planPolicy(stack, document);
        const { errors, totals } = plan;
        if (errors.length > 0 || totals.revocations > maxRevocations) context.negative();
        context.print(plan, (screen) => {
          if (errors.length > 0) {
            screen.lines(planErrorLines(file, document, errors));
            context.note(`no plan: ${counted(errors.length, 'error')}`);
            return;
          }
          showPlan(screen, plan, { all });
          if (totals.revocations > maxRevocations) {
            context.note(
              `more than --max-revocations allows: ${grouped(totals.revocations)}, not ${grouped(maxRevocations)}`,
            );
          }
        });
      });
    });
}

/**
 * Asks the engine what a policy would change. Throws {@link WrongUsage} for a document too large to be sent, and what `ask`
 * throws: the engine makes one plan at a time.
 */
export async function planPolicy(stack: Stack, document: string): Promise<PolicyPlan> {
  const bytes = Buffer.byteLength(JSON.stringify({ document }));
  const most = stack.connection.info?.max_payload ?? Infinity;
  if (bytes > most) {
    throw new WrongUsage(
      `the policy takes ${grouped(bytes)} bytes, and this NATS server takes messages of ${grouped(most)} at most`,
    );
  }
  return ask(stack.connection, PlanPolicy, { document }, { timeoutMs: TIMEOUT_MS });
}
