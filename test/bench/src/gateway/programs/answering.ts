import type { z } from 'zod';

/**
 * Answers the commands of the process that started this one, until that lets go of it. `commands` is a union of objects
 * with the command's name in `do`.
 */
export function answering<Command>(commands: z.ZodType<Command>, answer: (command: Command) => unknown): void {
  const reply = async (message: unknown): Promise<void> => {
    try {
      process.send?.({ answer: await answer(commands.parse(message)) });
    } catch (error) {
      process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  };
  process.on('message', (message) => void reply(message));
  process.once('disconnect', () => process.exit(0));
}
