import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { EngineUnavailable } from '../engine.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The Go program and the policy stay where the source is; seen from `dist/policy/opa`. */
const SOURCE = here('../../../src/policy/opa/');
const CACHE = here('../../../../../.stance/cache/opa-bench/');

export interface OpaProgram {
  readonly binary: string;
  readonly policy: string;
}

const BUILD_LIMIT_MS = 300_000;

let built: Promise<OpaProgram> | undefined;

/**
 * Builds the Go program that embeds OPA, at the version that go.mod and go.sum pin: half a minute the first time, a
 * second later on.
 * @throws {EngineUnavailable} without Go, or where its modules cannot be had
 */
export function buildOpa(): Promise<OpaProgram> {
  built ??= build();
  return built;
}

async function build(): Promise<OpaProgram> {
  const binary = `${CACHE}opa-bench`;
  await mkdir(CACHE, { recursive: true });
  await go(['version'], 10_000);
  process.stderr.write('building OPA with Go (half a minute the first time)\n');
  await go(['build', '-o', binary, '.'], BUILD_LIMIT_MS);
  return { binary, policy: `${SOURCE}policy.rego` };
}

const execute = promisify(execFile);

async function go(parameters: readonly string[], timeout: number): Promise<void> {
  try {
    await execute('go', parameters, { cwd: SOURCE, timeout, env: { ...process.env, CGO_ENABLED: '0' } });
  } catch (error) {
    if (isMissing(error)) throw new EngineUnavailable('there is no Go on this machine, which builds OPA');
    throw new EngineUnavailable(`OPA could not be built: ${lastLine(error)}`);
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

function lastLine(error: unknown): string {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return output.split('\n').at(-1) || String(error);
}
