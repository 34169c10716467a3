import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { distributionOf } from '../statistics.js';
import { AUTHORIZE_PATH, authorizeHeaders } from './authorize-request.js';
import { CONNECTIONS } from './http-load.js';
import { deviceId } from './played-engine.js';

const execute = promisify(execFile);

/**
 * The same by another generator, to check ours: requests a second, or `undefined` where there is no wrk. It asks about one
 * device only.
 */
export async function loadByWrk<Name extends string>(
  ports: Readonly<Record<Name, number>>,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Record<Name, number> | undefined> {
  const names = Object.keys(ports) as Name[];
  const figures = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < Math.min(rounds, 3); round += 1) {
    for (const name of names) {
      const perSecond = await wrk(ports[name], seconds);
      if (perSecond === undefined) return undefined;
      figures.get(name)?.push(perSecond);
    }
  }
  return Object.fromEntries(names.map((name) => [name, distributionOf(figures.get(name) ?? []).p50])) as Record<
    Name,
    number
  >;
}

async function wrk(port: number, seconds: number): Promise<number | undefined> {
  const headers = Object.entries(authorizeHeaders(deviceId(0))).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const url = `http://127.0.0.1:${port}${AUTHORIZE_PATH}`;
  const parameters = ['-t1', `-c${CONNECTIONS}`, `-d${Math.ceil(seconds)}s`, ...headers, url];
  try {
    const { stdout } = await execute('wrk', parameters, { timeout: seconds * 1_000 + 30_000 });
    if (stdout.includes('Non-2xx')) throw new Error(`wrk was not answered with success:\n${stdout}`);
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
