/** `npm start`: installs, builds and runs Stance on this machine; needs only Node and npm. */
import { join } from 'node:path';

import { build, ensureInstalled, root } from './ensure-installed.mjs';
import { runProgram, runSteps } from './steps.mjs';

/** Messages live for a moment: room for the young ones saves a tenth of the processor time (docs/operating.md). */
const nodeFlags = ['--max-semi-space-size=64'];

await runSteps(async () => {
  const node = await ensureInstalled();
  await build(node);
  const main = join(root, 'deploy', 'local', 'dist', 'main.js');
  const { exitCode } = await runProgram(node, [...nodeFlags, main, ...process.argv.slice(2)], { endsOnSignal: true });
  return exitCode;
});
