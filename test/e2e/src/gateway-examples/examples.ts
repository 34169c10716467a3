import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Command } from './example-gateway.js';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../../../examples/', import.meta.url));
const goFolder = join(folder, 'gateway-go');
/** Of one command of Go's, in milliseconds: it may have a client to download, and a standard library to compile. */
const GO_MS = 180_000;
/** Of the look whether Go can be used at all, which nothing else can go on beside. */
const LOOK_MS = 30_000;

/** A gateway of `examples/`, see gateways.md there. */
export interface Example {
  readonly name: string;
  /** Why it cannot run here; empty where it can. */
  readonly unavailable: string;
  /** Makes it ready in a folder for what it builds; resolves to how it is started. */
  readonly build: (into: string) => Promise<Command>;
}

const NODE: Example = {
  name: 'Node, with the SDK',
  unavailable: '',
  build: () => Promise.resolve([process.execPath, join(folder, 'gateway-node/dist/main.js')]),
};

/** Every example, and whether it can run here. */
export function examples(): { readonly node: Example; readonly go: Example } {
  return { node: NODE, go: { name: 'Go, on a plain NATS client', unavailable: whyNoGo(), build: buildGo } };
}

/** The unit tests of the example in Go; resolves to what they print. */
export async function testGo(): Promise<string> {
  const { stdout } = await run('go', ['test', '-count=1', './...'], { cwd: goFolder, timeout: GO_MS });
  return stdout;
}

/** Asked at once: which tests there are is known before any of them runs. */
function whyNoGo(): string {
  const { error, status, stderr } = spawnSync('go', ['mod', 'download'], {
    cwd: goFolder,
    timeout: LOOK_MS,
    encoding: 'utf8',
  });
  if (error !== undefined) return `Go cannot be run here: ${error.message}`;
  return status === 0 ? '' : `Go cannot load the NATS client: ${stderr.trim().split('\n').at(-1) ?? ''}`;
}

async function buildGo(into: string): Promise<Command> {
  const program = join(into, 'gateway');
  await run('go', ['build', '-buildvcs=false', '-o', program, '.'], { cwd: goFolder, timeout: GO_MS });
  return [program];
}
