import type { Readable, Writable } from 'node:stream';

/** Where text goes; a terminal says how wide it is. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Where answers come from; a terminal has a person at it. */
export type Input = Readable & { readonly isTTY?: boolean };

/** Everything that a command has of the process it runs in. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Opened only by a command that asks something. */
  readonly stdin: () => Input;
  /** A signal that Ctrl-C aborts from this call on; without it Ctrl-C ends the process as usual. */
  readonly interruption: () => AbortSignal;
}
