import type { Writable } from 'node:stream';

/** Where text goes; a terminal says how wide it is. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Everything that a command has of the process it runs in. */
export interface Io {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** A signal that Ctrl-C aborts from this call on; without it Ctrl-C ends the process as usual. */
  readonly interruption: () => AbortSignal;
}
