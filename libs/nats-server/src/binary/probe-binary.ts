import { access, constants } from 'node:fs/promises';

import { SourceFailedError } from './errors.js';
import { runCommand } from './run-command.js';
import { isAtLeast, parseServerVersion } from './server-version.js';

/** Runs `<path> --version` and returns the version; throws {@link SourceFailedError} if it does not run or is too old. */
export async function probeBinary(path: string, minimumVersion: string): Promise<string> {
  await access(path, constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw new SourceFailedError(error.code === 'ENOENT' ? 'there is no such file' : 'the file cannot be executed');
  });
  const output = await runCommand(path, ['--version'], { timeoutMs: 10_000 });
  const version = parseServerVersion(output);
  if (version === undefined) throw new SourceFailedError(`it printed no version but "${output.trim().slice(0, 80)}"`);
  if (!isAtLeast(version, minimumVersion)) {
    throw new SourceFailedError(`it is ${version}, older than ${minimumVersion}`);
  }
  return version;
}
