import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '@stance/testing';
import { z } from 'zod';
import { answering, type Engine } from '../engine.js';
import { buildOpa } from '../opa/build-opa.js';

const Results = z.array(z.object({ result: z.unknown() }));

/** The same policy compiled to WebAssembly, by OPA's own package for Node. */
export const opaWasm: Engine = {
  name: 'OPA, as wasm',
  open: async (devices) => {
    const { binary, policy } = await buildOpa();
    const { loadPolicy } = await import('@open-policy-agent/opa-wasm');
    const loaded = await loadPolicy(await compiledToWasm(binary, policy));
    Results.parse(loaded.evaluate({}));
    return answering(
      devices,
      ({ values }) => values,
      (values) => (loaded.evaluate(values) as z.infer<typeof Results>)[0]?.result === true,
    );
  },
};

async function compiledToWasm(binary: string, policy: string): Promise<Uint8Array<ArrayBuffer>> {
  const folder = await temporaryFolder();
  try {
    const module = join(folder.path, 'policy.wasm');
    await promisify(execFile)(binary, ['wasm', policy, module]);
    return new Uint8Array(await readFile(module));
  } finally {
    await folder.remove();
  }
}
