import { join } from 'node:path';
import type { JetStreamManager } from '@nats-io/jetstream';
import { localServer, namedServer, type Destination } from './destination.js';
import { EXIT, type ExitCode } from './errors.js';
import type { Io } from './io.js';
import { findLocalStack, type LocalStack } from './local-stack.js';
import { connectToTrail, Stack, type LocalUser } from './stack.js';
import { plain } from './view/text.js';
import { Screen } from './view/screen.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly nats?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** The checkout that holds this package, both from `src` and from `dist`. */
const WORKSPACE_ROOT = join(import.meta.dirname, '..', '..', '..');

/** What a command works with: the options, the screen and the way to NATS. */
export class CommandContext {
  exitCode: ExitCode = EXIT.ok;

  constructor(
    readonly io: Io,
    private readonly readOptions: () => GlobalOptions,
  ) {}

  get options(): GlobalOptions {
    return this.readOptions();
  }

  get json(): boolean {
    return this.options.json ?? false;
  }

  get screen(): Screen {
    return new Screen(this.io.stdout, this.io.env);
  }

  /** Tells people something besides the result, on standard error. */
  readonly note = (text: string): void => {
    this.io.stderr.write(`${plain(text)}\n`);
  };

  /** The result is a negative one: exit with 1. */
  negative(): void {
    this.exitCode = EXIT.negative;
  }

  /** Ctrl-C came before it was done: exit with 130. */
  interrupted(): void {
    this.exitCode = EXIT.interrupted;
  }

  /** Prints an object or a list for scripts, or calls `show` for people. */
  print(value: unknown, show: (screen: Screen) => void): void {
    if (this.json) this.io.stdout.write(`${JSON.stringify(value)}\n`);
    else show(this.screen);
  }

  /** Throws `LocalStackNotRunning`. */
  localStack(): LocalStack {
    const { env, cwd } = this.io;
    return findLocalStack({ dataDir: env['STANCE_DATA_DIR'], cwd, workspaceRoot: WORKSPACE_ROOT });
  }

  /** Connects, says whether anything here is real (unless `quiet`), does the work and disconnects. */
  async connected<Result>(
    work: (stack: Stack) => Promise<Result>,
    { quiet = this.json, localUser }: { quiet?: boolean; localUser?: LocalUser } = {},
  ): Promise<Result> {
    const { server, env } = this.destination();
    const stack = await Stack.connect(server, env, this.note, localUser);
    try {
      if (!quiet && (await stack.isSimulated())) this.screen.simulatedNotice();
      return await work(stack);
    } finally {
      await stack.close();
    }
  }

  /** Connects to the audit trail alone, does the work and disconnects. */
  async connectedToTrail<Result>(work: (trail: JetStreamManager) => Promise<Result>): Promise<Result> {
    const { server, env } = this.destination();
    const { connection, trail } = await connectToTrail(server, env);
    try {
      return await work(trail);
    } finally {
      await connection.close();
    }
  }

  private destination(): Destination {
    const { env } = this.io;
    const natsUrl = this.options.nats ?? env['NATS_URL'];
    const isNamed = natsUrl !== undefined && natsUrl !== '';
    const destination = isNamed ? namedServer(natsUrl, env) : localServer(this.localStack(), env);
    destination.notes.forEach(this.note);
    return destination;
  }
}
