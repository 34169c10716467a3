import { closeSync, existsSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
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

/** Of a file's mode: its group's and everybody's right to write. */
const WRITABLE_BY_OTHERS = 0o022;

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

/**
 * The running local stack. Throws {@link LocalStackNotRunning}, also for the file of one that was killed, and `WrongUsage` for
 * a file that somebody else wrote or could write: it says where to connect, and who reads it acts with rights of their own.
 */
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
  const text = readTrusted(file);
  try {
    return runFile.parse(JSON.parse(text));
  } catch (error) {
    throw new WrongUsage(`${file} is not readable as the record of a local stack: remove it and run npm start again`, {
      cause: error,
    });
  }
}

function readTrusted(file: string): string {
  let opened: number | undefined;
  try {
    // What is looked at is what is read, even if somebody puts another file there in between.
    opened = openSync(file, 'r');
    const distrust = whyDistrusted(fstatSync(opened), process.geteuid?.());
    if (distrust === undefined) return readFileSync(opened, 'utf8');
    throw new WrongUsage(
      `${file} says which local stack to use, but ${distrust}: if the stack is yours, take the file over or remove it and run npm start again; ` +
        'otherwise name the server by --nats or NATS_URL',
    );
  } catch (error) {
    if (error instanceof WrongUsage) throw error;
    throw new WrongUsage(`${file} cannot be read: name the server by --nats or NATS_URL`, { cause: error });
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

/** Why a file need not be what its reader or an administrator wrote. `caller` is a user id; none where there are none. */
export function whyDistrusted(
  { uid, mode }: Pick<Stats, 'uid' | 'mode'>,
  caller: number | undefined,
): string | undefined {
  if (caller === undefined) return undefined;
  if (uid !== caller && uid !== 0) return `it belongs to another user (${uid})`;
  if ((mode & WRITABLE_BY_OTHERS) !== 0) return 'others than its owner may write it';
  return undefined;
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
