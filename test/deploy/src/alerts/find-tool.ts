import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The two programs of Debian's package `prometheus`. */
export type Tool = 'prometheus' | 'promtool';

/** Thrown when `STANCE_TEST_PROMETHEUS` or `STANCE_TEST_PROMTOOL` names what cannot be run: name the binary there, or unset it. */
export class ToolNotExecutable extends Error {
  override readonly name = 'ToolNotExecutable';

  constructor(variable: string, path: string) {
    super(`${variable} names ${path}, which is no file that can be run: name the binary, or unset the variable.`);
  }
}

/**
 * The path of a program: the one that `STANCE_TEST_PROMETHEUS` or `STANCE_TEST_PROMTOOL` names, or the first on PATH;
 * undefined where there is none. Throws {@link ToolNotExecutable}.
 */
export async function findTool(tool: Tool, environment: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const variable = `STANCE_TEST_${tool.toUpperCase()}`;
  const named = environment[variable] ?? '';
  if (named !== '') {
    if (await isExecutable(named)) return named;
    throw new ToolNotExecutable(variable, named);
  }
  for (const folder of (environment['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, tool);
    if (folder !== '' && (await isExecutable(path))) return path;
  }
  return undefined;
}

/** Why specs are skipped where a program is missing. */
export function howToGet(tool: Tool): string {
  return `no ${tool}: apt-get install prometheus, or set STANCE_TEST_${tool.toUpperCase()}`;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
