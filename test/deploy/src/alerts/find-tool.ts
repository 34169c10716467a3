import { findProgram } from '@stance/testing';

/** The two programs of Debian's package `prometheus`. */
export type Tool = 'prometheus' | 'promtool';

/** The path of a program, as {@link findProgram} finds it; undefined where there is none. Throws `ProgramNotExecutable`. */
export const findTool = (tool: Tool): Promise<string | undefined> => findProgram(tool);

/** Why specs are skipped where a program is missing. */
export function howToGet(tool: Tool): string {
  return `no ${tool}: apt-get install prometheus, or set STANCE_TEST_${tool.toUpperCase()}`;
}
