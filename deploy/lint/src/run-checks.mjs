// @ts-check
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

/** @typedef {import('./checks.mjs').Check} Check */
/** @typedef {{ check: Check, passed: boolean, output: string, seconds: number }} CheckResult */

/** A command that runs longer, in milliseconds, is ended and counts as failed. */
const COMMAND_LIMIT = 300_000;

/**
 * Runs the checks, two at a time, and reports each as soon as it ends.
 * @param {readonly Check[]} checks
 * @param {string} root The checkout's root folder.
 * @param {(result: CheckResult) => void} report
 * @returns {Promise<boolean>} Whether all passed.
 */
export async function runChecks(checks, root, report) {
  const waiting = [...checks];
  let allPassed = true;
  const lane = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const result = await runCheck(check, root);
      allPassed &&= result.passed;
      report(result);
    }
  };
  await Promise.all([lane(), lane()]);
  return allPassed;
}

/**
 * @param {Check} check
 * @param {string} root
 * @returns {Promise<CheckResult>}
 */
async function runCheck(check, root) {
  const started = performance.now();
  let passed = true;
  let output = '';
  for (const command of check.commands) {
    const ended = await runCommand(command, root);
    output += ended.output;
    passed = ended.passed;
    if (!passed) break;
  }
  return { check, passed, output, seconds: (performance.now() - started) / 1000 };
}

/**
 * @param {readonly string[]} command
 * @param {string} root
 * @returns {Promise<{ passed: boolean, output: string }>}
 */
function runCommand([program = '', ...args], root) {
  const path = [join(root, 'node_modules', '.bin'), process.env['PATH']].join(delimiter);
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, PATH: path, NX_DAEMON: 'false', NX_TUI: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // npm's command files are scripts on Windows.
    shell: process.platform === 'win32',
    timeout: COMMAND_LIMIT,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (output += text));
    }
    child.on('error', (error) => resolve({ passed: false, output: `${output}${program}: ${error.message}\n` }));
    child.on('close', (code, signal) => {
      if (signal) output += `${program} was ended by ${signal}: it may take ${COMMAND_LIMIT / 1000} s.\n`;
      resolve({ passed: code === 0, output });
    });
  });
}
