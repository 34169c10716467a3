import { DeviceRecorded, Explain } from '@stance/contracts';
import { ask, RequestFailed } from '@stance/jetstream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { explanationLines } from '../view/explanation.js';
import { unknownDevice } from './device.js';

export function addExplain(program: Command, context: CommandContext): void {
  program
    .command('explain <device> <resource>')
    .description('why a device may or may not reach a resource now: every rule and condition')
    .action(async (deviceId: string, resource: string) => {
      await context.connected(async (stack) => {
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
      });
    });
}
