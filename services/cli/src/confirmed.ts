import { createInterface } from 'node:readline';
import type { Io } from './io.js';

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
