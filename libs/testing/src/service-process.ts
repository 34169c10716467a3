import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ChildEnd } from './child-end.js';
import { PATIENCE_MS, waitFor } from './wait-for.js';

/** As docs/operating.md advises. */
const NODE_FLAGS = ['--max-semi-space-size=64'];

const root = new URL('../../../', import.meta.url);

/** For programs that specs start by the dozen: Node keeps what it compiled, which spares each a quarter of its start. */
export const COMPILED_ONCE = { NODE_COMPILE_CACHE: fileURLToPath(new URL('.stance/cache/compiled', root)) } as const;

/** A service as operators run it: a process of its own, built, logging JSON lines. */
export class ServiceProcess {
  /** Log lines so far, and what was written to stderr. */
  readonly lines: Record<string, unknown>[] = [];
  errors = '';
  private state = 'starting';
  private readonly end: ChildEnd;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => this.read(line));
    }
    child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.end = new ChildEnd(child);
  }

  /**
   * Starts `services/<name>` from its build. `environment` is all that it sees besides PATH and a cache of compiled code;
   * `nodeArguments` go to Node.
   */
  static start(
    name: string,
    environment: NodeJS.ProcessEnv,
    { nodeArguments = [] }: { nodeArguments?: readonly string[] } = {},
  ): ServiceProcess {
    const main = fileURLToPath(new URL(`services/${name}/dist/main.js`, root));
    const child = spawn(process.execPath, [...NODE_FLAGS, ...nodeArguments, main], {
      env: { PATH: process.env['PATH'], ...COMPILED_ONCE, STANCE_HTTP_PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServiceProcess(name, child);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Whether it was active when it last said what it is. */
  get isActive(): boolean {
    return this.running && this.state === 'active';
  }

  get exitCode(): number | null {
    return this.child.exitCode;
  }

  /** Where `/readyz` answers; known once it listens. */
  get url(): string | undefined {
    return this.lines.find(({ msg }) => msg === 'listening')?.['url'] as string | undefined;
  }

  /** Resolves when the service has reached a state of its life, such as `standby` or `active`. */
  async reached(state: string, timeoutMs = PATIENCE_MS): Promise<void> {
    await waitFor(
      () => {
        if (!this.running) throw new Error(`${this.name} ended before it was ${state}: ${this.errors}`);
        return this.state === state;
      },
      { what: `${this.name} to be ${state}`, timeoutMs },
    );
  }

  /** Resolves to the first log line with this message, once it is there. */
  async logged(message: string, timeoutMs = PATIENCE_MS): Promise<Record<string, unknown>> {
    return waitFor(() => this.lines.find(({ msg }) => msg === message), {
      what: `${this.name} to log "${message}"`,
      timeoutMs,
    });
  }

  /** Resolves to the exit code once it has ended by itself, with all that it wrote read. */
  async ended(timeoutMs = PATIENCE_MS): Promise<number | null> {
    await waitFor(() => this.end.isComplete, { what: `${this.name} to end`, timeoutMs });
    return this.child.exitCode;
  }

  /** Ends it as a signal would; resolves to the exit code, with all that it wrote read. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.running) this.child.kill(signal);
    await this.end.settled(PATIENCE_MS);
    return this.child.exitCode;
  }

  /** Kills it without a chance to finish anything. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL');
  }

  private read(line: string): void {
    try {
      const entry = JSON.parse(line) as Record<string, unknown>;
      this.lines.push(entry);
      if (['loading', 'standby', 'active'].includes(String(entry['msg']))) this.state = String(entry['msg']);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.errors += `${line}\n`;
    }
  }
}
