import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** How to have the version of Helm that the specs of the chart were written with. */
const GET_HELM = 'go install helm.sh/helm/v3/cmd/helm@v3.22.0';

/** Thrown when a variable names what cannot be run: name the binary there, or unset it. */
class ToolNotExecutable extends Error {
  override readonly name = 'ToolNotExecutable';

  constructor(variable: string, path: string) {
    super(`${variable} names ${path}, which is no file that can be run: name the binary, or unset the variable.`);
  }
}

/** The path of helm: what `STANCE_TEST_HELM` names, or the first on PATH; undefined where there is none. Throws {@link ToolNotExecutable}. */
export async function findHelm(environment: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const named = environment['STANCE_TEST_HELM'];
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return named;
    throw new ToolNotExecutable('STANCE_TEST_HELM', named);
  }
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const path = join(folder, 'helm');
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What the titles of skipped specs end with where there is no helm; empty where there is one. */
export async function whyNoHelm(): Promise<string> {
  return (await findHelm()) === undefined ? ` (skipped: there is no helm: ${GET_HELM}, or STANCE_TEST_HELM)` : '';
}
