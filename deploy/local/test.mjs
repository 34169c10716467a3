/**
 * `npm test [-- <jest arguments>]`: installs, builds and runs tests; needs only Node and npm. Without arguments it runs all of
 * them, and a few files that fail once more, alone: CONTRIBUTING.md (Tests) says why.
 */
import { join } from 'node:path';

import { build, ensureInstalled, environmentFor, root } from './ensure-installed.mjs';
import { outputFileOf, runEverything } from './run-everything.mjs';
import { runProgram, runSteps, say } from './steps.mjs';

await runSteps(async () => {
  const node = await ensureInstalled();
  await build(node);
  const environment = environmentFor(node);
  // For Jest's workers too. Jest runs ES modules only with the first; the second keeps its warning out of every worker.
  const options = [environment.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const program = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const jest = async (...args) => {
    const env = { ...environment, NODE_OPTIONS: options.filter(Boolean).join(' ') };
    return (await runProgram(node, [program, ...args], { cwd: root, env })).exitCode;
  };

  const args = process.argv.slice(2);
  const outputFile = outputFileOf(args);
  return outputFile === undefined ? jest(...args) : runEverything(jest, { root, outputFile, say });
});
