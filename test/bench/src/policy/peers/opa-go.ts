import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { temporaryFolder } from '@stance/testing';
import { z } from 'zod';
import type { Engine } from '../engine.js';
import { buildOpa } from '../opa/build-opa.js';

const Decisions = z.object({ version: z.string(), allowed: z.array(z.boolean()) });
const Timed = z.object({ evaluations: z.number(), seconds: z.number() });

/** A prepared query in a Go process that embeds OPA; the inputs are values of OPA's own, and it measures itself. */
export const opaGo: Engine = {
  name: 'OPA, in Go',
  open: async (devices) => {
    const { binary, policy } = await buildOpa();
    const folder = await temporaryFolder();
    const inputs = join(folder.path, 'devices.json');
    await writeFile(inputs, JSON.stringify(devices.map(({ values }) => values)));
    const child = spawn(binary, ['measure', policy, inputs], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const answer = async (): Promise<unknown> => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('The process that embeds OPA ended early; it says why above.');
      return JSON.parse(value);
    };
    const { allowed } = Decisions.parse(await answer());
    return {
      decisions: async () => allowed,
      run: async (milliseconds) => {
        child.stdin.write(`${Math.ceil(milliseconds)}\n`);
        return Timed.parse(await answer());
      },
      close: async () => {
        const exited = once(child, 'exit');
        child.stdin.end();
        await exited;
        await folder.remove();
      },
    };
  },
};
