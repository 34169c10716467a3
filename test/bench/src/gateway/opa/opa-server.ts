import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, waitFor } from '@stance/testing';
import { deviceId, RESOURCES } from '../played-engine.js';

const execute = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The policy stays where the source is; seen from `dist/gateway/opa`. */
const POLICY = here('../../../src/gateway/opa/allow.rego');
const CACHE = here('../../../../../.stance/cache/gateway-bench/');
/** The one that is embedded for the benchmark of policies. */
const MODULE = 'github.com/open-policy-agent/opa@v1.22.2';

/** Thrown where OPA cannot be had on this machine; the message says why. */
export class OpaUnavailable extends Error {
  override readonly name = 'OpaUnavailable';
}

/** OPA as a server of its own, as its users run it beside nginx. */
export interface OpaServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Knows as many devices as the gateway does. Builds OPA with Go: minutes the first time. Throws {@link OpaUnavailable}. */
export async function startOpa(folder: string, devices: number): Promise<OpaServer> {
  const binary = await buildOpaServer();
  const data = join(folder, 'devices.json');
  await writeFile(data, JSON.stringify({ devices: Object.fromEntries(allowedDevices(devices)) }));
  const port = await freePort();
  const parameters = ['run', '--server', '--skip-version-check', '--log-level=error'];
  const child = spawn(binary, [...parameters, `--addr=127.0.0.1:${port}`, POLICY, data], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await waitFor(async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok, { what: 'OPA to answer' });
  return {
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

function allowedDevices(count: number): [string, unknown][] {
  const resources = Object.fromEntries(RESOURCES.map((resource) => [resource, 'allow']));
  return Array.from({ length: count }, (_, index) => [deviceId(index), { resources }]);
}

async function buildOpaServer(): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  process.stderr.write('building OPA as a server with Go (minutes the first time)\n');
  const environment = { ...process.env, GOBIN: CACHE, CGO_ENABLED: '0' };
  try {
    await execute('go', ['install', MODULE], { cwd: CACHE, timeout: 600_000, env: environment });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new OpaUnavailable('there is no Go on this machine, which builds OPA');
    }
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new OpaUnavailable(`OPA could not be built: ${output.split('\n').at(-1) || String(error)}`);
  }
  return join(CACHE, 'opa');
}
