import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const HERE = fileURLToPath(new URL('..', import.meta.url));

/** Programs laid out as in the image: they say what they were given, then wait. */
const SAYS = `process.stdout.write(process.argv.slice(2).join(' ') + ' up'); setInterval(() => {}, 1_000);`;
const PROGRAMS = {
  'services/audit/dist/main.js': SAYS,
  'services/all-in-one/dist/main.js': SAYS,
  'services/gateway/dist/main.js': `process.once('SIGTERM', () => process.exit(7)); ${SAYS}`,
  'services/cli/bin/stance.mjs': SAYS,
};

let product: string;
beforeAll(async () => {
  product = await mkdtemp(join(tmpdir(), 'stance-entry-'));
  for (const file of ['stance.mjs', 'src/work.mjs']) await cp(join(HERE, file), join(product, file));
  for (const [file, text] of Object.entries({ 'package.json': '{"type":"module"}', ...PROGRAMS })) {
    await mkdir(dirname(join(product, file)), { recursive: true });
    await writeFile(join(product, file), text);
  }
});
afterAll(() => rm(product, { recursive: true }));

/** Runs the entry until it says `up` or ends, and sends it a signal then. */
async function run(words: readonly string[], signal: NodeJS.Signals = 'SIGTERM') {
  const child = spawn(process.execPath, [join(product, 'stance.mjs'), ...words], { env: {}, stdio: 'pipe' });
  let said = '';
  let problem = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.endsWith('up')) child.kill(signal);
  });
  child.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, said, problem };
}

describe('the entry of the image', () => {
  it.each([
    ['a service', ['audit'], 'audit up'],
    ['all services', ['all'], 'all up'],
    ['a command, with its words', ['topology', 'apply'], 'topology apply up'],
    ['a command after the word stance', ['stance', 'status', '--json'], 'status --json up'],
  ])('starts %s', async (_, words, said) => {
    expect(await run(words)).toMatchObject({ said, problem: '' });
  });

  it.each([
    ['a service that has not begun to listen, with 0', ['audit'], 'SIGTERM', 0],
    ['the same for Ctrl-C', ['audit'], 'SIGINT', 0],
    ['a command that does not listen, as a shell would', ['status'], 'SIGTERM', 143],
    ['the same for Ctrl-C', ['status'], 'SIGINT', 130],
    ['nobody who listens: that has the word', ['gateway'], 'SIGTERM', 7],
  ] as const)('ends on a signal %s', async (_, words, signal, exitCode) => {
    expect((await run(words, signal)).exitCode).toBe(exitCode);
  });

  it('exits with 2 and says what there is when nothing is named', async () => {
    expect(await run([])).toMatchObject({ exitCode: 2, problem: expect.stringContaining('Services, as argument') });
  });
});
