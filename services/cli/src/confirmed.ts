import { createInterface } from 'node:readline';
import type { CommandContext } from './command-context.js';
import { WrongUsage } from './errors.js';
import type { Io } from './io.js';

/** Throws {@link WrongUsage} where nobody can be asked; `verb` is what would be done without asking. */
export function requireTerminal({ io, json }: Pick<CommandContext, 'io' | 'json'>, verb: string): void {
  if (!json && io.stdin().isTTY === true) return;
  throw new WrongUsage(
    `there is no terminal to ask on (or --json is wanted): say --yes to ${verb} without being asked`,
  );
}

/** Asks the person at the terminal; anything but yes, Ctrl-C included, means no. */
export async function confirmed({ stdin, stderr }: Io, question: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const asking = createInterface({ input: stdin(), output: stderr });
  asking.once('close', () => resolve(undefined));
  asking.question(`${question} [y/N] `, resolve);
  const answer = await promise;
  asking.close();
  // Nobody pressed Enter: what comes next begins on a line of its own.
  if (answer === undefined) stderr.write('\n');
  return answer !== undefined && /^y(?:es)?$/i.test(answer.trim());
}
