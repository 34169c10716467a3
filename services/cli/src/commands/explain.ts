import { DeviceRecorded, Explain } from '@stance/contracts';
import { ask, RequestFailed } from '@stance/jetstream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { explainAt } from '../history/explain-at.js';
import { agoOption } from '../options.js';
import type { Stack } from '../stack.js';
import { explanationLines } from '../view/explanation.js';
import { unknownDevice } from './device.js';

export function addExplain(program: Command, context: CommandContext): void {
  program
    .command('explain <device> <resource>')
    .description('why a device may or may not reach a resource: every rule and condition, and what would change it')
    .option(
      '--at <time>',
      'of an earlier time, by the audit trail: how long ago (2h) or when (RFC 3339); asks no service',
      agoOption,
    )
    .action(async (deviceId: string, resource: string, { at }: { at?: number }) => {
      await context.connected((stack) =>
        at === undefined
          ? explainNow(context, stack, deviceId, resource)
          : explainThen(context, stack, deviceId, resource, at),
      );
    });
}

async function explainNow(context: CommandContext, stack: Stack, deviceId: string, resource: string): Promise<void> {
  const isKnown = (await stack.table(DeviceRecorded, { deviceId })).length > 0;
  try {
    const explanation = await ask(stack.connection, Explain, { deviceId, resource });
    if (!isKnown) context.note((await unknownDevice(stack, deviceId)).message);
    context.print(explanation, (screen) => screen.lines(explanationLines(explanation, Date.now(), screen.paint)));
  } catch (error) {
    if (error instanceof RequestFailed && error.code === 'not-found' && !isKnown) {
      throw await unknownDevice(stack, deviceId);
    }
    throw error;
  }
}

async function explainThen(
  context: CommandContext,
  stack: Stack,
  deviceId: string,
  resource: string,
  at: number,
): Promise<void> {
  const explanation = await explainAt(stack, deviceId, resource, at);
  if (explanation === undefined) throw await unknownDevice(stack, deviceId);
  context.print(explanation, (screen) => screen.lines(explanationLines(explanation, at, screen.paint)));
}
