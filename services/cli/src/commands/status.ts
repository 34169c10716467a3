import {
  AgentMatched,
  DecisionChanged,
  DeviceRecorded,
  PolicyActivated,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  SourceReported,
  STREAMS,
} from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { engineStatusIfAny } from '../engine-status.js';
import { readLog } from '../read-table.js';
import { countTables, type ConsumerLag, type StatusReport } from '../records/status.js';
import type { Stack } from '../stack.js';
import { showStatus } from '../view/status.js';
import { withoutCredentials } from '../view/text.js';

export function addStatus(program: Command, context: CommandContext): void {
  program
    .command('status')
    .description('everything on one screen')
    .action(async () => {
      await context.connected(async (stack) => {
        const now = Date.now();
        const report = await readStatus(stack, now);
        context.print(report, (screen) => showStatus(screen, report, now));
      });
    });
}

async function readStatus(stack: Stack, now: number): Promise<StatusReport> {
  const [sources, devices, matches, decisions, started, ended, revoked, activations, engine] = await Promise.all([
    stack.table(SourceReported),
    stack.table(DeviceRecorded),
    stack.table(AgentMatched),
    stack.table(DecisionChanged),
    stack.table(SessionStarted),
    stack.table(SessionEnded),
    stack.table(SessionRevoked),
    readLog(stack.connection, PolicyActivated),
    engineStatusIfAny(stack),
  ]);
  const tables = { devices, matches, decisions, started, ended, revoked, activations: activations.events };
  const { server, connection } = stack;
  return {
    server: { url: withoutCredentials(server.natsUrl), version: connection.info?.version ?? 'unknown' },
    simulated: await stack.isSimulated(),
    sources: sources.map(({ data }) => data),
    ...countTables(tables, now),
    engine,
    deadLetters: await messagesIn(stack, STREAMS.DEAD.name),
    auditRecords: await messagesIn(stack, STREAMS.AUDIT.name),
    consumers: await consumerLags(stack),
  };
}

async function messagesIn(stack: Stack, stream: string): Promise<number> {
  return (await stack.manager.streams.info(stream)).state.messages;
}

/** The durable consumers, which are the services': what only looks on has no durable. */
async function consumerLags({ manager }: Stack): Promise<ConsumerLag[]> {
  const lags: ConsumerLag[] = [];
  for (const { name: stream } of Object.values(STREAMS)) {
    for await (const { config, num_pending: pending, num_ack_pending: inFlight } of manager.consumers.list(stream)) {
      if (config.durable_name !== undefined) lags.push({ stream, durable: config.durable_name, pending, inFlight });
    }
  }
  return lags;
}
