import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';

/** Thrown when a program of the benchmark ends, or cannot do what it was asked; what it wrote to stderr says more. */
class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
}

/** As services are run (`ServiceProcess`), so that what they are measured beside has the same memory to work in. */
const NODE_FLAGS = ['--max-semi-space-size=64'];

/** A part of a measurement in a process of its own (`programs/`), asked one thing at a time. */
export class Program {
  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {}

  static start(script: URL, nodeArguments: readonly string[] = []): Program {
    const path = fileURLToPath(script);
    const profile = process.env['BENCH_PROFILE_DIR'];
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    return new Program(
      basename(path, '.js'),
      fork(path, { execArgv: [...NODE_FLAGS, ...profiling, ...nodeArguments] }),
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves to the program's answer. Throws {@link ProgramFailed}. */
  async ask<Answer>(answer: z.ZodType<Answer>, command: { readonly do: string; readonly [key: string]: unknown }) {
    const waiting = new AbortController();
    try {
      const answered = once(this.child, 'message', waiting);
      const ended = once(this.child, 'exit', waiting).then(() => {
        throw new ProgramFailed(`${this.name} ended before it answered "${command.do}"`);
      });
      this.child.send(command);
      const [message] = (await Promise.race([answered, ended])) as [
        { readonly failed?: string; readonly answer?: unknown },
      ];
      if (message.failed !== undefined) throw new ProgramFailed(`${this.name}, "${command.do}": ${message.failed}`);
      return answer.parse(message.answer);
    } finally {
      waiting.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}
