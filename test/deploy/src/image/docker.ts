import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** How a run of the `docker` command ended. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DockerOptions {
  /** Milliseconds until the command is killed; default 60,000. */
  readonly timeoutMs?: number;
}

/** A `docker` command ended otherwise than it should have; the message has what it said. */
export class DockerFailed extends Error {
  constructor(args: readonly string[], { exitCode, stdout, stderr }: Outcome) {
    super(`docker ${args.join(' ')} ended with ${exitCode}:\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`);
    this.name = 'DockerFailed';
  }
}

/** Runs `docker` with these arguments; resolves however it ends, and rejects only where there is no such command. */
export async function docker(args: readonly string[], { timeoutMs = 60_000 }: DockerOptions = {}): Promise<Outcome> {
  const child = spawn('docker', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    // The classic builder, where Docker has another one: what builds with it builds with all.
    env: { ...process.env, DOCKER_BUILDKIT: '0', DOCKER_CLI_HINTS: 'false' },
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exitCode, stdout, stderr };
}

/** What `docker` wrote, trimmed. Throws {@link DockerFailed} when it did not end with 0. */
export async function dockerSays(args: readonly string[], options?: DockerOptions): Promise<string> {
  const outcome = await docker(args, options);
  if (outcome.exitCode !== 0) throw new DockerFailed(args, outcome);
  return outcome.stdout.trim();
}

/** Why no image can be built and run here, or undefined when one can. */
export async function whyNotHere(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'base images are made from the programs of this machine on Linux only';
  try {
    const { exitCode } = await docker(['version'], { timeoutMs: 10_000 });
    return exitCode === 0 ? undefined : 'no Docker daemon answers';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is no docker command';
    throw error;
  }
}
