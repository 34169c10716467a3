import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How a server process ended. */
export interface ServerExit {
  /** For people: `exit code 1` or `SIGKILL`. */
  readonly how: string;
  readonly lastLogLines: readonly string[];
}

const keptLogLines = 20;

/** A running nats-server process: its log lines and its end. It does not outlive the process that started it. */
export class ServerProcess {
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  #exit: ServerExit | undefined;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(child: ChildProcess, pid: number, onLog: (line: string) => void) {
    this.#child = child;
    this.pid = pid;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        if (this.#lines.length > keptLogLines) this.#lines.shift();
        onLog(line);
      });
    }
    const endWatch = killWhenParentDies(pid);
    const killNow = (): void => void child.kill('SIGKILL');
    process.once('exit', killNow);
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        process.off('exit', killNow);
        endWatch();
        this.#exit = { how: signal ?? `exit code ${code}`, lastLogLines: [...this.#lines] };
        resolve(this.#exit);
      });
    });
  }

  /** Starts the binary; rejects with the system's error when it cannot be executed. */
  static start(binary: string, args: readonly string[], onLog: (line: string) => void): Promise<ServerProcess> {
    return new Promise((resolve, reject) => {
      // A group of its own: Ctrl-C in a terminal must reach the program first, which stops the server last.
      const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
      child.once('error', reject);
      child.once('spawn', () => {
        if (child.pid === undefined) return reject(new Error(`${binary} started without a process id`));
        resolve(new ServerProcess(child, child.pid, onLog));
      });
    });
  }

  get exit(): ServerExit | undefined {
    return this.#exit;
  }

  get lastLogLines(): readonly string[] {
    return [...this.#lines];
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }
}

/**
 * A tiny shell that waits for the end of a pipe from this process and then kills the server: this works where
 * no exit handler runs, as after kill -9. Returns the function that ends the watch.
 */
function killWhenParentDies(pid: number): () => void {
  if (process.platform === 'win32') return () => undefined;
  const script = 'read -r _; kill -KILL "$1" 2>/dev/null';
  const watch = spawn('/bin/sh', ['-c', script, 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // Without a shell only the exit handler is left.
  watch.once('error', () => undefined);
  watch.stdin.once('error', () => undefined);
  watch.unref();
  return () => void watch.kill('SIGKILL');
}
