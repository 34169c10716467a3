/**
 * `node deploy/local/run.mjs <script> [arguments]`: installs, builds and runs a script of the root package.json, or a
 * JavaScript file, with the local Node.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { build, ensureInstalled, environmentFor, root } from './ensure-installed.mjs';
import { runProgram, runSteps, StepFailedError } from './steps.mjs';

const [script, ...args] = process.argv.slice(2);

await runSteps(async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const isFile = script !== undefined && /\.[cm]?js$/.test(script);
  if (script === undefined || !(isFile || script in scripts)) {
    const names = Object.keys(scripts).join(', ');
    throw new StepFailedError(
      `run.mjs wants a JavaScript file or a script of package.json (${names}), not "${script ?? ''}".`,
    );
  }
  const node = await ensureInstalled();
  await build(node);
  const options = { cwd: root, env: environmentFor(node), endsOnSignal: true };
  const { exitCode } = isFile
    ? await runProgram(node, [resolve(root, script), ...args], options)
    : await runProgram('npm', ['run', '--silent', script, '--', ...args], {
        ...options,
        shell: process.platform === 'win32',
      });
  return exitCode;
});
