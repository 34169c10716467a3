import {
  AgentMatched,
  AgentObserved,
  DecisionChanged,
  DeviceRecorded,
  OperatorActed,
  PostureChanged,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
} from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { deviceRecord, type AgentEvent, type DeviceRecord } from '../records/devices.js';
import { agentName, linksInForce } from '../records/links.js';
import { didYouMean } from '../records/nearest.js';
import { sessionRecords } from '../records/sessions.js';
import type { Stack } from '../stack.js';
import { showDevice } from '../view/device.js';
import { escapedJson } from '../view/text.js';

export function addDevice(program: Command, context: CommandContext): void {
  program
    .command('device <id>')
    .description('everything about one device: inventory, agents, posture with its sources, decisions, open sessions')
    .option('--raw', 'the records of its agents as Stance last read them, as JSON to paste into a ticket')
    .action(async (deviceId: string, { raw = false }: { raw?: boolean }) => {
      await context.connected(
        async (stack) => {
          const now = Date.now();
          const device = await readDevice(stack, deviceId, now);
          if (device === undefined) throw await unknownDevice(stack, deviceId);
          if (!raw && !context.json) {
            showDevice(context.screen, device, now);
            return;
          }
          const { records, missing } = await readRecords(stack, device);
          if (!context.json) for (const name of missing) context.note(`no record of ${name} is kept any more`);
          const shown = raw ? records : { ...device, records };
          context.io.stdout.write(`${escapedJson(shown, context.json ? 0 : 2)}\n`);
        },
        { quiet: raw || context.json },
      );
    });
}

async function readDevice(stack: Stack, deviceId: string, now: number): Promise<DeviceRecord | undefined> {
  const only = { deviceId };
  const [device, posture, registers, operations, decisions, started, ended, revoked] = await Promise.all([
    stack.last(DeviceRecorded, only),
    stack.last(PostureChanged, only),
    stack.table(AgentMatched, {}, deviceId),
    stack.table(OperatorActed),
    stack.table(DecisionChanged, only),
    stack.table(SessionStarted, only),
    stack.table(SessionEnded, only),
    stack.table(SessionRevoked, only),
  ]);
  return deviceRecord({
    device: device.event?.data,
    posture: posture.event?.data,
    registers: registers.map(({ data }) => data),
    links: linksInForce(operations, now),
    decisions: decisions.map(({ data }) => data),
    sessions: sessionRecords({ started, ended, revoked }, now),
  });
}

/** What Stance last read of each agent of a device, and the agents of which nothing is kept. */
async function readRecords(stack: Stack, { agents }: DeviceRecord) {
  const records: AgentEvent[] = [];
  const missing: string[] = [];
  for (const agent of agents) {
    const { event } = await stack.last(AgentObserved, agent);
    if (event === undefined) missing.push(agentName(agent));
    else records.push(event);
  }
  return { records, missing };
}

/** The error for an id that the inventory does not have, with the ids that are close. */
export async function unknownDevice(stack: Stack, deviceId: string): Promise<WrongUsage> {
  const ids = (await stack.table(DeviceRecorded)).map(({ data }) => data.deviceId);
  return new WrongUsage(
    `there is no device ${deviceId} in the inventory${didYouMean(deviceId, ids) || ': see `stance devices`'}`,
  );
}
