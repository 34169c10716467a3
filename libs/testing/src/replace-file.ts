import { rename, writeFile } from 'node:fs/promises';

/** Gives a file its content in one step, as editors and Kubernetes do: one that is written in place may be read half. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}
