import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Thrown when a variable names what cannot be run: name the binary there, or unset it. */
export class ProgramNotExecutable extends Error {
  override readonly name = 'ProgramNotExecutable';

  constructor(variable: string, path: string) {
    super(`${variable} names ${path}, which is no file that can be run: name the binary, or unset the variable.`);
  }
}

export interface FindProgramOptions {
  /** Looked into after those of PATH; default: none. */
  readonly folders?: readonly string[];
  /** Read for `STANCE_TEST_<NAME>` and PATH; default `process.env`. */
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * The path of a program that tests start: the one that `STANCE_TEST_<NAME>` names (`STANCE_TEST_HELM`), or the first on PATH;
 * undefined where there is none. Throws {@link ProgramNotExecutable}.
 */
export async function findProgram(name: string, options: FindProgramOptions = {}): Promise<string | undefined> {
  const { folders = [], environment = process.env } = options;
  const named = await namedProgram(name, environment);
  if (named !== undefined) return named;
  const onPath = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of [...onPath, ...folders]) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** What `STANCE_TEST_<NAME>` names, wherever else a program is looked for; undefined where it is unset or empty. Throws {@link ProgramNotExecutable}. */
export async function namedProgram(
  name: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const variable = `STANCE_TEST_${name.toUpperCase()}`;
  const named = environment[variable] ?? '';
  if (named === '') return undefined;
  if (await isExecutable(named)) return named;
  throw new ProgramNotExecutable(variable, named);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    async () => (await stat(path)).isFile(),
    () => false,
  );
}
