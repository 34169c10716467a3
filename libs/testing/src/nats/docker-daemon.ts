import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds for one question to the daemon, so that a test run without Docker is not held up. */
const ANSWER_MS = 900;

type DaemonAddress = { socketPath: string } | { host: string; port: number };

/** Why Docker cannot run the image here, or undefined when it can; at most two quick questions to the daemon. */
export async function whyNotDocker(
  image: string,
  environment: NodeJS.ProcessEnv,
  answerMs = ANSWER_MS,
): Promise<string | undefined> {
  const daemon = daemonAddress(environment);
  if (daemon === undefined) return 'no Docker daemon is configured';
  if ((await ask(daemon, '/_ping', answerMs)) !== 200) return 'no Docker daemon answers';
  const [local, registry] = await Promise.all([
    ask(daemon, `/images/${encodeURIComponent(image)}/json`, answerMs),
    ask(daemon, `/distribution/${encodeURIComponent(image)}/json`, answerMs),
  ]);
  return local === 200 || registry === 200 ? undefined : `the image ${image} is neither here nor to be had quickly`;
}

/** The sockets where Docker listens on Linux and macOS, rootless and Desktop included. */
function daemonAddress(environment: NodeJS.ProcessEnv): DaemonAddress | undefined {
  const configured = environment['DOCKER_HOST'];
  if (configured !== undefined && configured !== '') {
    const { protocol, hostname, port, pathname } = new URL(configured);
    if (protocol === 'unix:') return { socketPath: pathname };
    return protocol === 'tcp:' || protocol === 'http:' ? { host: hostname, port: Number(port || 2375) } : undefined;
  }
  const runtimeFolder = environment['XDG_RUNTIME_DIR'];
  const sockets = [
    '/var/run/docker.sock',
    ...(runtimeFolder === undefined ? [] : [join(runtimeFolder, 'docker.sock')]),
    join(homedir(), '.docker', 'run', 'docker.sock'),
    join(homedir(), '.docker', 'desktop', 'docker.sock'),
  ];
  const socketPath = sockets.find((path) => existsSync(path));
  return socketPath === undefined ? undefined : { socketPath };
}

/** The status of the daemon's answer (Docker Engine API), or undefined when none comes in time. */
function ask(daemon: DaemonAddress, path: string, answerMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = request({ ...daemon, path, timeout: answerMs }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    const giveUp = setTimeout(() => asked.destroy(), answerMs);
    asked.once('error', () => resolve(undefined));
    asked.once('timeout', () => asked.destroy());
    asked.once('close', () => {
      clearTimeout(giveUp);
      resolve(undefined);
    });
    asked.end();
  });
}
