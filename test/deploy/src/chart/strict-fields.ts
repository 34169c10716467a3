import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isNativeError } from 'node:util/types';
import { temporaryFolder } from '@stance/testing';
import type { KubernetesObject } from './kubernetes-objects.js';

/** Carries the OpenAPI schemas of every version of Kubernetes, closed ones too. */
export const GET_KUBERNETES_VALIDATE = 'pip install kubernetes-validate==1.37.0';

/** The newest version of Kubernetes whose schemas the specs look at, besides the oldest that the chart takes. */
export const NEWEST_KUBERNETES = '1.35';

/** Thrown with what is wrong: fields that are unknown, missing, or of another type. */
class FieldsRefused extends Error {
  override readonly name = 'FieldsRefused';
}

const python = (...words: string[]) =>
  promisify(execFile)('python3', words, {
    env: {
      ...process.env,
      PYTHONPATH: process.env['STANCE_TEST_KUBERNETES_VALIDATE'] ?? process.env['PYTHONPATH'] ?? '',
    },
  });

/** Whether kubernetes-validate can be had: in the folder that `STANCE_TEST_KUBERNETES_VALIDATE` names, or installed. Throws where it is named and not there. */
export async function hasKubernetesValidate(): Promise<boolean> {
  const named = process.env['STANCE_TEST_KUBERNETES_VALIDATE'] ?? '';
  try {
    await python('-c', 'import kubernetes_validate');
    return true;
  } catch (error) {
    if (named === '') return false;
    const problem = `STANCE_TEST_KUBERNETES_VALIDATE names ${named}, from which Python cannot import kubernetes_validate`;
    throw new Error(`${problem}: name the folder that pip installed into, or unset the variable.`, { cause: error });
  }
}

/** Validates objects of Kubernetes itself against its closed schemas. Throws {@link FieldsRefused}. */
export async function checkFields(objects: readonly KubernetesObject[], version: string): Promise<void> {
  const folder = await temporaryFolder();
  try {
    const file = join(folder.path, 'objects.yaml');
    // As JSON: it reads YAML 1.1, in which a bare `on` would be true.
    await writeFile(file, objects.map((object) => `---\n${JSON.stringify(object)}\n`).join(''));
    await python('-m', 'kubernetes_validate', '--strict', '--kubernetes-version', version, file);
  } catch (error) {
    const said =
      isNativeError(error) && 'stdout' in error && 'stderr' in error ? [error.stdout, error.stderr] : [error];
    throw new FieldsRefused(said.join('\n'));
  } finally {
    await folder.remove();
  }
}
