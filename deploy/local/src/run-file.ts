import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What runs on this machine, for the `stance` command to find. */
export interface LocalStack {
  readonly natsUrl: string;
  /** Where the credentials of its users are; null where it uses a server that is not its own. */
  readonly usersFolder: string | null;
  readonly gatewayUrl: string;
  readonly simulatorUrl: string | null;
  readonly demo: boolean;
  readonly pid: number;
}

/** Written whole or not at all: a reader never sees half of it. */
export function writeRunFile(file: string, stack: LocalStack): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  // The command refuses one that others may write, as some umasks would have it.
  writeFileSync(draft, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o644 });
  renameSync(draft, file);
}

export function removeRunFile(file: string): void {
  rmSync(file, { force: true });
}
