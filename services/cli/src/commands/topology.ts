import type { JetStreamManager } from '@nats-io/jetstream';
import { wireTopology } from '@stance/contracts';
import { applyTopology, inspectCopies, inspectTopology } from '@stance/jetstream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { names, wholeNumber } from '../options.js';
import type { Stack } from '../stack.js';

interface ApplyCommandOptions {
  readonly replicas?: number;
  readonly gateways?: string[];
  readonly remakeCopies?: boolean;
}

export function addTopology(program: Command, context: CommandContext): void {
  const connected = <Result>(work: (stack: Stack) => Promise<Result>) =>
    context.connected(work, { localUser: 'topology' });
  const topology = program.command('topology').description('the streams and buckets that Stance needs');
  topology
    .command('check')
    .description('list what is missing or different on the server; changes nothing')
    .option('--gateways <names>', 'gateways with accounts of their own: their copies are looked at as well', names)
    .action(async ({ gateways = [] }: { gateways?: string[] }) => {
      await connected(async (stack) => {
        const problems = await inspectTopology(stack.connection);
        for (const gateway of gateways) problems.push(...(await inspectCopies(stack.connection, gateway)));
        if (problems.length > 0) context.negative();
        context.print(problems, (screen) =>
          screen.table(
            [
              { title: 'STREAM', value: ({ stream }) => stream, whole: true },
              { title: 'PROBLEM', value: ({ problem }) => problem },
            ],
            problems,
            'The streams are as Stance needs them.',
          ),
        );
      });
    });
  topology
    .command('apply')
    .description('create what is missing and update what differs; removes nothing')
    .option('--replicas <n>', 'copies of each stream: 3 in a cluster (default: as it is, else 1)', wholeNumber(1, 5))
    .option(
      '--gateways <names>',
      'gateways with accounts of their own, separated by commas: their copies are made as well',
      names,
    )
    .option('--remake-copies', 'make the copies of these gateways anew, as after the streams were set back by a backup')
    .action(async ({ replicas, gateways = [], remakeCopies = false }: ApplyCommandOptions) => {
      await connected(async (stack) => {
        const applied = await applyTopology(stack.connection, {
          replicas: replicas ?? (await presentReplicas(stack.manager)),
          gateways,
          remakeCopies,
        });
        context.print(applied, (screen) => {
          const { created, updated } = applied;
          screen.lines([...created.map((name) => `created ${name}`), ...updated.map((name) => `updated ${name}`)]);
          screen.line('The streams are as Stance needs them.');
        });
      });
    });
}

/** The most copies that a stream of ours has: an update must not take any away unasked. */
async function presentReplicas(manager: JetStreamManager): Promise<number> {
  const ours = new Set(wireTopology().map(({ name }) => name));
  let replicas = 1;
  for await (const { config } of manager.streams.list()) {
    if (ours.has(config.name)) replicas = Math.max(replicas, config.num_replicas);
  }
  return replicas;
}
