import { DeviceRecorded, Explain, type Explanation } from '@stance/contracts';
import { ask, RequestFailed } from '@stance/jetstream';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { explainAt } from '../history/explain-at.js';
import { agoOption } from '../options.js';
import type { Stack } from '../stack.js';
import { explanationLines } from '../view/explanation.js';
import { unknownDevice } from './device.js';
import { denialIdIn, explainDenial } from './explain-denial.js';

export function addExplain(program: Command, context: CommandContext): void {
  program
    .command('explain')
    .argument('<device-or-denial>', 'a device, or the id that somebody was given who was not let in')
    .argument('[resource]', 'of a device: what it may or may not reach')
    .description('why a device may or may not reach a resource: every rule and condition, and what would change it')
    .option(
      '--at <time>',
      'of an earlier time, by the audit trail: how long ago (2h) or when (RFC 3339); asks no service',
      agoOption,
    )
    .action(async (subject: string, resource: string | undefined, { at }: { at?: number }) => {
      const denialId = resource === undefined ? denialIdIn(subject) : undefined;
      await context.connected(async (stack) => {
        const explain = (deviceId: string, to: string) => explanationOf(context, stack, deviceId, to, at);
        if (denialId !== undefined) return explainDenial(context, stack, denialId, explain, at);
        const explanation = await explain(subject, resource ?? '');
        context.print(explanation, (screen) =>
          screen.lines(explanationLines(explanation, at ?? Date.now(), screen.paint)),
        );
      });
    });
}

/** As of now, or of an earlier time (milliseconds since 1970). Throws `WrongUsage` for a device that nobody knows. */
async function explanationOf(
  context: CommandContext,
  stack: Stack,
  deviceId: string,
  resource: string,
  at: number | undefined,
): Promise<Explanation> {
  if (at === undefined) return explanationNow(context, stack, deviceId, resource);
  const explanation = await explainAt(stack, deviceId, resource, at);
  if (explanation === undefined) throw await unknownDevice(stack, deviceId);
  return explanation;
}

async function explanationNow(
  context: CommandContext,
  stack: Stack,
  deviceId: string,
  resource: string,
): Promise<Explanation> {
  const isKnown = (await stack.table(DeviceRecorded, { deviceId })).length > 0;
  try {
    const explanation = await ask(stack.connection, Explain, { deviceId, resource });
    if (!isKnown) context.note((await unknownDevice(stack, deviceId)).message);
    return explanation;
  } catch (error) {
    if (error instanceof RequestFailed && error.code === 'not-found' && !isKnown) {
      throw await unknownDevice(stack, deviceId);
    }
    throw error;
  }
}
