/** `npm test [-- <jest arguments>]`: installs, builds and runs all tests; needs only Node and npm. */
import { join } from 'node:path';

import { build, ensureInstalled, environmentFor, root } from './ensure-installed.mjs';
import { runProgram, runSteps } from './steps.mjs';

await runSteps(async () => {
  const node = await ensureInstalled();
  await build(node);
  const environment = environmentFor(node);
  // For Jest's workers too. Jest runs ES modules only with the first; the second keeps its warning out of every worker.
  const options = [environment.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const { exitCode } = await runProgram(node, [jest, ...process.argv.slice(2)], {
    cwd: root,
    env: { ...environment, NODE_OPTIONS: options.filter(Boolean).join(' ') },
  });
  return exitCode;
});
