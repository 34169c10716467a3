import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { Unreachable, WrongUsage } from './errors.js';

const runFile = z.object({
  natsUrl: z.string().min(1),
  usersFolder: z.string().nullish(),
  gatewayUrl: z.string().nullish(),
  simulatorUrl: z.string().nullish(),
  demo: z.boolean(),
  pid: z.int().positive(),
});

/** What `npm start` writes to `run.json` in its data folder for as long as it runs. */
export type LocalStack = z.infer<typeof runFile>;

/** Thrown when neither a server is named nor a local one runs. */
export class LocalStackNotRunning extends Unreachable {}

export interface WhereToLook {
  /** `STANCE_DATA_DIR`: looked into alone when set. */
  readonly dataDir: string | undefined;
  readonly cwd: string;
  /** The checkout that this command belongs to. */
  readonly workspaceRoot: string;
}

/** The running local stack. Throws {@link LocalStackNotRunning}, also for the file of one that was killed. */
export function findLocalStack(where: WhereToLook): LocalStack {
  const file = candidates(where).find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw new LocalStackNotRunning(
      'the local stack is not running (start it with npm start), and no other NATS server is named by --nats or NATS_URL',
    );
  }
  const stack = readRunFile(file);
  if (!isAlive(stack.pid)) {
    throw new LocalStackNotRunning(
      `the local stack is not running (start it with npm start): ${file} is left over from process ${stack.pid}`,
    );
  }
  return stack;
}

function candidates({ dataDir, cwd, workspaceRoot }: WhereToLook): string[] {
  if (dataDir !== undefined && dataDir !== '') return [join(resolve(cwd, dataDir), 'run.json')];
  const folders: string[] = [];
  for (let folder = resolve(cwd); folders.at(-1) !== folder; folder = dirname(folder)) folders.push(folder);
  return [...folders, workspaceRoot].map((folder) => join(folder, '.stance', 'run.json'));
}

function readRunFile(file: string): LocalStack {
  try {
    return runFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new WrongUsage(`${file} is not readable as the record of a local stack: remove it and run npm start again`, {
      cause: error,
    });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Alive, but another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
