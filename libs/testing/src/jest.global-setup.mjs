import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const testing = dirname(dirname(fileURLToPath(import.meta.url)));

/** Jest's globalSetup: a nats-server is found or fetched once, before the workers start. */
export default async function prepare() {
  // Jest transforms nothing here, so the built packages are used; `npm test` has built them.
  for (const folder of [join(dirname(testing), 'nats-server'), testing]) {
    if (!existsSync(join(folder, 'dist', 'index.js'))) build(folder);
  }
  const { prepareTestNats } = await import('../dist/prepare-test-nats.js');
  const say = (line) => process.stderr.write(`${line}\n`);
  say(await prepareTestNats(process.env, say));
}

function build(folder) {
  const compiler = createRequire(import.meta.url).resolve('typescript/package.json');
  execFileSync(process.execPath, [join(dirname(compiler), 'bin', 'tsc'), '-p', folder], { stdio: 'inherit' });
}
