import type { JetStreamManager } from '@nats-io/jetstream';
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
  type StreamDefinition,
} from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { isForbidden } from '../errors.js';
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
    deadLetters: await messagesIn(stack.manager, STREAMS.DEAD.name),
    auditRecords: await auditRecordsIfAllowed(stack),
    consumers: await consumerLags(stack),
  };
}

async function messagesIn(manager: JetStreamManager, stream: string): Promise<number> {
  return (await manager.streams.info(stream)).state.messages;
}

/** Who reads everything else need not be somebody who may look at the audit trail. */
async function auditRecordsIfAllowed(stack: Stack): Promise<number | null> {
  try {
    return await messagesIn(await stack.trailManager(), STREAMS.AUDIT.name);
  } catch (error) {
    if (isForbidden(error)) return null;
    throw error;
  }
}

/** The durable consumers, which are the services': what only looks on has no durable. */
async function consumerLags({ manager }: Stack): Promise<ConsumerLag[]> {
  const lags: ConsumerLag[] = [];
  // Audit alone reads the trail, and without a durable.
  const streams = Object.values(STREAMS).filter(({ account }: StreamDefinition) => account === undefined);
  for (const { name: stream } of streams) {
    for await (const { config, num_pending: pending, num_ack_pending: inFlight } of manager.consumers.list(stream)) {
      if (config.durable_name !== undefined) lags.push({ stream, durable: config.durable_name, pending, inFlight });
    }
  }
  return lags;
}
