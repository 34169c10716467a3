import { waitFor } from '@stance/testing';

import { docker, DockerFailed, dockerSays, type Outcome } from './docker.js';

/** What Kubernetes' `restricted` asks for, and a root file system that nobody writes to. */
const HARDENED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'] as const;

/** How a container is started; it has no rights, whatever is said here. */
export interface ContainerOptions {
  readonly network?: string;
  /** Its name in the network. */
  readonly alias?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Files and folders of this machine, or volumes, by their path in the container, which may only read them. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Ports that this machine reaches, by {@link Container.address}. */
  readonly ports?: readonly number[];
  /** Further arguments of `docker run`. */
  readonly flags?: readonly string[];
}

/** A container did not become what it should in time, or ended before; the message has its log. */
class ContainerNotAsExpected extends Error {
  constructor(name: string, what: string, log: string) {
    super(`${name} was expected ${what}; its log:\n${log.slice(-4_000)}`);
    this.name = 'ContainerNotAsExpected';
  }
}

/** Runs a container to its end and removes it. */
export function runToEnd(image: string, words: readonly string[], options: ContainerOptions = {}): Promise<Outcome> {
  return docker(['run', '--rm', ...flagsOf(options), image, ...words]);
}

/** A container that was started and is removed by `remove`. */
export class Container {
  private constructor(
    readonly name: string,
    private readonly id: string,
  ) {}

  static async start(image: string, words: readonly string[], options: ContainerOptions = {}): Promise<Container> {
    const id = await dockerSays(['run', '--detach', ...flagsOf(options), image, ...words]);
    return new Container(options.alias ?? words[0] ?? image, id.split('\n').at(-1) ?? '');
  }

  /** Resolves once its HEALTHCHECK says `healthy`. Throws {@link ContainerNotAsExpected}, with the log. */
  async healthy(timeoutMs = 60_000): Promise<void> {
    await this.expectSoon('to be healthy', timeoutMs, async () => {
      return (await this.inspect('{{.State.Health.Status}}')) === 'healthy';
    });
  }

  /** The last answers of its health check, newest last. */
  async healthAnswers(): Promise<string> {
    return this.inspect('{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}');
  }

  /** Resolves once its log has this. Throws {@link ContainerNotAsExpected}, with the log. */
  async logged(wanted: RegExp, timeoutMs = 30_000): Promise<void> {
    await this.expectSoon(`to log ${wanted}`, timeoutMs, async () => wanted.test(await this.log()));
  }

  /** Sends SIGTERM, and SIGKILL after so many seconds; resolves to the exit code and how many milliseconds it took. */
  async stop(seconds: number): Promise<{ exitCode: number; tookMs: number }> {
    const startedAt = performance.now();
    await dockerSays(['stop', '--time', String(seconds), this.id]);
    return { exitCode: Number(await this.inspect('{{.State.ExitCode}}')), tookMs: performance.now() - startedAt };
  }

  /** Where this machine reaches a port of it. */
  async address(port: number): Promise<string> {
    return (await dockerSays(['port', this.id, String(port)])).split('\n')[0] ?? '';
  }

  async log(): Promise<string> {
    const { stdout, stderr } = await docker(['logs', this.id]);
    return stdout + stderr;
  }

  inspect(format: string): Promise<string> {
    return dockerSays(['inspect', '--format', format, this.id]);
  }

  async remove(): Promise<void> {
    await dockerSays(['rm', '--force', '--volumes', this.id]);
  }

  private async expectSoon(what: string, timeoutMs: number, isSo: () => Promise<boolean>): Promise<void> {
    const isSoOrOver = async (): Promise<'so' | 'over' | undefined> => {
      if (await isSo()) return 'so';
      return (await this.inspect('{{.State.Running}}')) === 'true' ? undefined : 'over';
    };
    const seen = await waitFor(isSoOrOver, { what, timeoutMs, intervalMs: 200 }).catch((error: unknown) => error);
    if (seen !== 'so') throw new ContainerNotAsExpected(this.name, what, await this.log());
  }
}

/** A network of its own for containers; resolves to the address by which they reach this machine, and its subnet. */
export async function createNetwork(name: string): Promise<{ host: string; subnet: string }> {
  await dockerSays(['network', 'create', name]);
  const format = '{{range .IPAM.Config}}{{.Gateway}} {{.Subnet}}{{end}}';
  const [host, subnet] = (await dockerSays(['network', 'inspect', '--format', format, name])).split(' ');
  if (host === undefined || subnet === undefined) throw new Error(`the network ${name} has no gateway`);
  return { host, subnet };
}

/** Removes it, if it is there. */
export async function removeIfThere(kind: 'image' | 'network' | 'volume', name: string): Promise<void> {
  const args = [kind, 'rm', ...(kind === 'network' ? [] : ['--force']), name];
  const outcome = await docker(args);
  if (outcome.exitCode !== 0 && !/no such|not found/i.test(outcome.stderr)) throw new DockerFailed(args, outcome);
}

function flagsOf({
  network,
  alias,
  environment = {},
  mounts = {},
  ports = [],
  flags = [],
}: ContainerOptions): string[] {
  return [
    ...HARDENED,
    ...(network === undefined ? [] : ['--network', network]),
    ...(alias === undefined ? [] : ['--network-alias', alias]),
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...Object.entries(mounts).flatMap(([to, from]) => ['--volume', `${from}:${to}:ro`]),
    ...ports.flatMap((port) => ['--publish', `127.0.0.1::${port}`]),
    ...flags,
  ];
}
