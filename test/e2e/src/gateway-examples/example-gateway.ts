import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { waitFor } from '@stance/testing';

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

export interface Answer {
  readonly status: number;
  readonly allowed: boolean;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
}

export interface Health {
  readonly status: number;
  readonly connected: boolean;
  readonly loaded: boolean;
  readonly trusted: boolean;
  readonly sessions: number;
}

/** Who asks, as the proxy in front would say it. */
export interface Visitor {
  readonly device?: string;
  readonly user?: string;
}

/** An example gateway as a process of its own. */
export class ExampleGateway {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  /** Resolves when it listens. */
  static async start([program, ...argv]: Command, environment: NodeJS.ProcessEnv): Promise<ExampleGateway> {
    const child = spawn(program, argv, {
      env: { PATH: process.env['PATH'], PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gateway = new ExampleGateway(child);
    await waitFor(() => gateway.url, { what: 'the gateway to listen' });
    return gateway;
  }

  /** Empty until it listens. */
  get url(): string {
    if (this.child.exitCode !== null) throw new Error(`the gateway ended: ${this.output}`);
    return /listening on (\S+)/.exec(this.output)?.[1] ?? '';
  }

  /** What it has written, for a failure's message. */
  get log(): string {
    return this.output;
  }

  async ask(path: string, visitor: Visitor): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, { headers: headersOf(visitor) });
    return { ...((await response.json()) as Omit<Answer, 'status'>), status: response.status };
  }

  async health(): Promise<Health> {
    const response = await fetch(`${this.url}/healthz`);
    return { ...((await response.json()) as Omit<Health, 'status'>), status: response.status };
  }

  /** Opens a live stream; resolves when it says which session it is. */
  live(path: string, visitor: Visitor): Promise<LiveStream> {
    return LiveStream.open(`${this.url}${path}`, headersOf(visitor));
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

/** Server-sent events as a client reads them. */
export class LiveStream {
  private text = '';
  private isClosed = false;

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
    // What counts is that it is over, and not how.
    response.on('error', () => undefined);
    response.once('close', () => (this.isClosed = true));
  }

  static async open(url: string, headers: Record<string, string>): Promise<LiveStream> {
    const request = get(url, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`the stream was refused with ${response.statusCode}`);
    const stream = new LiveStream(response);
    await waitFor(() => stream.sessionId !== '', { what: 'the stream to name its session' });
    return stream;
  }

  get sessionId(): string {
    return /"sessionId":"([^"]+)"/.exec(this.text)?.[1] ?? '';
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Everything that came. */
  get received(): string {
    return this.text;
  }

  /** The client leaves. */
  leave(): void {
    this.response.destroy();
  }
}

function headersOf({ device, user }: Visitor): Record<string, string> {
  return { ...(device !== undefined && { 'x-device': device }), ...(user !== undefined && { 'x-user': user }) };
}
