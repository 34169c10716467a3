import { LookUpDenial, type Denial, type Explanation } from '@stance/contracts';
import { lookUpDenial } from '@stance/jetstream';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import type { Stack } from '../stack.js';
import { denialLines } from '../view/denial.js';
import { explanationLines } from '../view/explanation.js';
import { withoutCredentials } from '../view/text.js';

const TIMEOUT_MS = 2_000;

/** The id of a denial as somebody typed it. Throws {@link WrongUsage} for what is none. */
export function denialIdIn(text: string): string {
  const { success, data } = LookUpDenial.input.safeParse({ denialId: text.trim().toLowerCase() });
  if (success) return data.denialId;
  throw new WrongUsage(
    `${text} is not the id of a denial: name a device and a resource, as in \`stance explain ${text} <resource>\`, or the id on the page of whoever was not let in`,
  );
}

/**
 * Shows what somebody was told who was not let in, then what `explain` says of the same device and resource. Where that
 * cannot be said, the denial is shown all the same before it throws. Throws {@link WrongUsage} for one that nobody knows.
 */
export async function explainDenial(
  context: CommandContext,
  stack: Stack,
  denialId: string,
  explain: (deviceId: string, resource: string) => Promise<Explanation>,
  at: number | undefined,
): Promise<void> {
  const denial = await lookUp(context, stack, denialId);
  const { deviceId, resource } = denial;
  const isExplainable = deviceId !== undefined && resource !== undefined;
  const [explained] = await Promise.allSettled([isExplainable ? explain(deviceId, resource) : null]);
  const explanation = explained.status === 'fulfilled' ? explained.value : null;
  const now = Date.now();
  context.print({ denial, explanation }, (screen) => {
    screen.lines(denialLines(denial, now, screen.paint));
    screen.line();
    if (explanation !== null) screen.lines(explanationLines(explanation, at ?? now, screen.paint));
    else if (!isExplainable)
      screen.paragraph('No device was proved and named a resource: there is nothing more to explain.');
  });
  if (explained.status === 'rejected') throw explained.reason;
}

async function lookUp(context: CommandContext, { connection, server }: Stack, denialId: string): Promise<Denial> {
  const { denial, refused } = await lookUpDenial(connection, denialId, TIMEOUT_MS);
  if (refused > 0) {
    context.note(
      `${refused} ${refused === 1 ? 'answer' : 'answers'} did not prove to come from where the id does: of a gateway of an earlier version, or one that was taken over`,
    );
  }
  if (denial !== undefined) return denial;
  throw new WrongUsage(
    `no gateway at ${withoutCredentials(server.natsUrl)} knows the denial ${denialId}: each keeps for an hour what it told, in memory. It may be older, of a gateway that was restarted since, or of one with another NATS server. Who tries again gets a new id.`,
  );
}
