import {
  DecisionChanged,
  DeviceRecorded,
  PostureChanged,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
} from '@stance/contracts';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { deviceRecord, type DeviceRecord } from '../records/devices.js';
import { didYouMean } from '../records/nearest.js';
import { sessionRecords } from '../records/sessions.js';
import type { Stack } from '../stack.js';
import { showDevice } from '../view/device.js';

export function addDevice(program: Command, context: CommandContext): void {
  program
    .command('device <id>')
    .description('everything about one device: inventory, posture with its sources, decisions, open sessions')
    .action(async (deviceId: string) => {
      await context.connected(async (stack) => {
        const now = Date.now();
        const device = await readDevice(stack, deviceId, now);
        if (device === undefined) throw await unknownDevice(stack, deviceId);
        context.print(device, (screen) => showDevice(screen, device, now));
      });
    });
}

async function readDevice(stack: Stack, deviceId: string, now: number): Promise<DeviceRecord | undefined> {
  const only = { deviceId };
  const [devices, postures, decisions, started, ended, revoked] = await Promise.all([
    stack.table(DeviceRecorded, only),
    stack.table(PostureChanged, only),
    stack.table(DecisionChanged, only),
    stack.table(SessionStarted, only),
    stack.table(SessionEnded, only),
    stack.table(SessionRevoked, only),
  ]);
  return deviceRecord({
    device: devices[0]?.data,
    posture: postures[0]?.data,
    decisions: decisions.map(({ data }) => data),
    sessions: sessionRecords({ started, ended, revoked }, now),
  });
}

/** The error for an id that the inventory does not have, with the ids that are close. */
export async function unknownDevice(stack: Stack, deviceId: string): Promise<WrongUsage> {
  const ids = (await stack.table(DeviceRecorded)).map(({ data }) => data.deviceId);
  return new WrongUsage(
    `there is no device ${deviceId} in the inventory${didYouMean(deviceId, ids) || ': see `stance devices`'}`,
  );
}
