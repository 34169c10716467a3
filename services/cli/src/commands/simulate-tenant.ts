import { InvalidArgumentError, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { wholeNumber } from '../options.js';
import type { SimulatedTenant, StepResult, StepText } from '../simulator-client.js';
import type { Column } from '../view/table.js';
import { counted, plain } from '../view/text.js';
import type { SimulateTarget } from './simulate-target.js';

interface FaultOptions {
  readonly path?: string;
  readonly times?: number;
  readonly after?: number;
  readonly set: Readonly<Record<string, unknown>>;
}

/** The verbs of the tenant itself: its token, its clock, its faults and the forms of its records. */
export function addTenantVerbs(
  simulate: Command,
  target: () => Promise<SimulateTarget>,
  context: CommandContext,
): void {
  const perform = async (step: StepText, done: (outcome: StepResult) => string) => {
    const outcome = await (await target()).client.perform(step);
    context.print(outcome, (screen) => {
      screen.simulatedNotice();
      screen.line(plain(done(outcome)));
    });
  };

  simulate
    .command('tenants')
    .description('the simulated tenants that run side by side; any of them can be named by --tenant')
    .action(async () => {
      const tenants = await (await target()).tenants();
      context.print(tenants, (screen) => {
        screen.simulatedNotice();
        screen.table(TENANT_COLUMNS, tenants, 'No tenant.');
      });
    });

  simulate
    .command('expire-token')
    .description('let the API token expire: from then on the tenant answers 401')
    .option('--in <duration>', 'when (default: now)')
    .action(async ({ in: delay }: { in?: string }) => {
      await perform({ do: 'expire-token', ...(delay !== undefined && { in: delay }) }, () =>
        delay === undefined ? 'the token has expired' : `the token expires in ${delay}`,
      );
    });

  simulate
    .command('replace-token [token]')
    .description('replace the API token: the old one gets 401')
    .action(async (token: string | undefined) => {
      await perform(
        { do: 'replace-token', ...(token !== undefined && { token }) },
        (outcome) => `the token is now ${outcome.token ?? ''}; the old one is refused`,
      );
    });

  simulate
    .command('skew-clock <duration>')
    .description('let the clock of the tenant be ahead by this much; 0 sets it right')
    .option('--behind', 'behind instead of ahead')
    .action(async (duration: string, { behind = false }: { behind?: boolean }) => {
      await perform({ do: 'skew-clock', by: behind ? `-${duration}` : duration }, () =>
        duration === '0' ? 'the clock is right' : `the clock is ${duration} ${behind ? 'behind' : 'ahead'}`,
      );
    });

  simulate
    .command('malform <form> [device]')
    .description('let the record of an agent, or of a share of all, take a malformed form; a wrong form lists them all')
    .option('--share <fraction>', 'share of the fleet, from 0 to 1 (without a device: 1)', fraction)
    .option('--seed <n>', 'draws the share', wholeNumber(0))
    .option('--silent', 'without a new updatedAt')
    .action(async (form: string, reference: string | undefined, options: object) => {
      const agent = reference === undefined ? undefined : (await (await target()).resolve(reference)).id;
      await perform(
        { do: 'malform', form, ...(agent !== undefined && { agent }), ...options },
        ({ ids = [] }) => `${form}: ${counted(ids.length, 'agent')}`,
      );
    });

  simulate
    .command('fault <kind>')
    .description('let the next requests go wrong, for example rate-limited, server-error, hang, shift, error-body')
    .option('--path <path>', 'only requests for this path, for example /agents')
    .option('--times <n>', 'how many requests', wholeNumber(1))
    .option('--after <n>', 'how many fitting requests pass before', wholeNumber(0))
    .option('--set <field=value>', 'a field of this kind, for example status=503; may be given again', field, {})
    .action(async (kind: string, { set, ...common }: FaultOptions) => {
      await perform({ do: 'fault', fault: { kind, ...common, ...set } }, () => `${kind} strikes from now on`);
    });

  simulate
    .command('clear-faults')
    .description('take back the faults that have not struck')
    .action(async () => {
      await perform({ do: 'clear-faults' }, () => 'no fault is left');
    });
}

const TENANT_COLUMNS: Column<SimulatedTenant>[] = [
  { title: 'TENANT', value: ({ name }) => name, whole: true },
  { title: 'ADDRESS', value: ({ url }) => url, whole: true },
];

function fraction(text: string): number {
  const share = Number(text);
  if (/^(0|1|0?\.\d+|1\.0+)$/.test(text)) return share;
  throw new InvalidArgumentError('It has to be a number from 0 to 1, such as 0.1.');
}

function field(text: string, others: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const [, name, value] = /^(\w+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('It has to be a field and its value, such as status=503.');
  return { ...others, [name]: /^(-?\d+|true|false|null)$/.test(value) ? JSON.parse(value) : value };
}
