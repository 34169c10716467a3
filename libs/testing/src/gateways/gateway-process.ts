import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { ChildEnd } from '../child-end.js';
import { temporaryFolder, type TemporaryFolder } from '../temporary-folder.js';
import { PATIENCE_MS, waitFor } from '../wait-for.js';

/** Milliseconds to end in order. */
const STOP_MS = 5_000;
/** The end of its log that an error shows, in characters. */
const SHOWN_LOG = 4_000;

/** Thrown when a gateway does not start, with what it said: mostly its configuration is wrong. */
export class GatewayNotStarted extends Error {
  override readonly name = 'GatewayNotStarted';

  constructor(binary: string, log: string, cause: unknown) {
    super(`${binary} did not start. It said:\n${log.slice(-SHOWN_LOG)}`, { cause });
  }
}

export interface GatewayStart {
  readonly binary: string;
  /** By path below the folder that it runs in. */
  readonly files: Readonly<Record<string, string>>;
  readonly arguments: readonly string[];
  /** All that it sees besides PATH and HOME, which is its folder. */
  readonly environment?: NodeJS.ProcessEnv;
  /** On loopback; it runs once all of them take connections. */
  readonly ports: readonly number[];
}

/** A real gateway in the foreground, in a temporary folder of its own. */
export class GatewayProcess {
  private output = '';
  private readonly end: ChildEnd;

  private constructor(
    readonly folder: TemporaryFolder,
    private readonly child: ChildProcess,
  ) {
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.once('error', (error) => (this.output += `${error.message}\n`));
    this.end = new ChildEnd(child);
  }

  /** Resolves when it takes connections. Throws {@link GatewayNotStarted}; then nothing of it is left. */
  static async start(start: GatewayStart): Promise<GatewayProcess> {
    const folder = await temporaryFolder();
    for (const [name, content] of Object.entries(start.files)) {
      const path = join(folder.path, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    }
    const child = spawn(start.binary, start.arguments, {
      cwd: folder.path,
      env: { PATH: process.env['PATH'], HOME: folder.path, ...start.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gateway = new GatewayProcess(folder, child);
    try {
      await gateway.answers(start.ports);
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw new GatewayNotStarted(start.binary, gateway.log, error);
    }
  }

  /** What it wrote to stdout and stderr so far. */
  get log(): string {
    return this.output;
  }

  get running(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends it, by force if it takes longer than `withinMs` (5 s), and removes its folder. */
  async stop({ withinMs = STOP_MS } = {}): Promise<void> {
    if (this.running) this.child.kill('SIGTERM');
    if (!(await this.end.completesWithin(withinMs))) {
      this.child.kill('SIGKILL');
      await this.end.settled(withinMs);
    }
    await this.folder.remove();
  }

  private async answers(ports: readonly number[]): Promise<void> {
    let hasEnded = false;
    const look = async () => {
      hasEnded = !this.running;
      return hasEnded || (await Promise.all(ports.map(takesConnections))).every(Boolean);
    };
    await waitFor(look, { what: `ports ${ports.join(', ')} to answer`, timeoutMs: PATIENCE_MS });
    if (hasEnded) throw new Error(`It ended with ${this.child.exitCode ?? this.child.signalCode ?? 'no process'}.`);
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
