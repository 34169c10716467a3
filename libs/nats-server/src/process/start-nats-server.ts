import { mkdir, open, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { findNatsServer, type NatsServerBinary } from '../binary/find-nats-server.js';
import { NatsServerExitedError, NatsServerNotReadyError, PortInUseError } from './errors.js';
import { answersWithJetStream, listeningPort } from './readiness.js';
import { renderServerConfig, type SyncInterval } from './server-config.js';
import { ServerProcess, type ServerExit } from './server-process.js';
import { lockStore, type StoreLock } from './store-lock.js';

export interface StartNatsServerOptions {
  /** Holds the data, the configuration and the lock; created when missing. */
  readonly storeDir: string;
  /** Default: what `findNatsServer` finds. */
  readonly binary?: Pick<NatsServerBinary, 'path'>;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** The server's name; default `stance`. */
  readonly name?: string;
  /** Bytes; default 1 MiB. */
  readonly maxPayloadBytes?: number;
  /** Default: the server's own (2 minutes). */
  readonly syncInterval?: SyncInterval;
  /** More configuration in the server's own syntax, such as an `authorization` block; it must not redirect the log. */
  readonly serverConfig?: string;
  /** Appends the server's log here; default: none. */
  readonly logFile?: string;
  /** Gets each line of the server's log. */
  readonly onLog?: (line: string) => void;
  /** Called when the server ends though nobody asked it to. */
  readonly onExit?: (exit: ServerExit) => void;
  /** Milliseconds until the server must answer, recovery of its data included; default 30,000. */
  readonly readyTimeoutMs?: number;
  /** Milliseconds that `stop` waits before it kills; default 10,000. */
  readonly stopTimeoutMs?: number;
}

/** A nats-server that this process runs; it ends with this process at the latest. */
export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Process id of the present run; changes with `restart`. */
  readonly pid: number;
  /** Shuts down in order. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Starts again on the same port and data, after `stop` or `kill` or on its own. */
  restart(): Promise<void>;
}

/**
 * Starts nats-server with JetStream and waits until it answers. Throws {@link PortInUseError}, {@link StoreInUseError},
 * {@link NatsServerExitedError} or {@link NatsServerNotReadyError}, and what `findNatsServer` throws.
 */
export async function startNatsServer(options: StartNatsServerOptions): Promise<NatsServer> {
  const binary = (options.binary ?? (await findNatsServer())).path;
  await mkdir(options.storeDir, { recursive: true });
  const storeDir = await realpath(options.storeDir);
  const host = options.host ?? '127.0.0.1';
  let run = await startRun(binary, storeDir, host, options.port ?? 0, options);
  const port = run.port;

  const stop = async (): Promise<void> => {
    await run.end('SIGTERM');
  };
  return {
    url: `nats://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    get pid() {
      return run.pid;
    },
    stop,
    kill: () => run.end('SIGKILL'),
    restart: async () => {
      await stop();
      run = await startRun(binary, storeDir, host, port, options);
    },
  };
}

interface ServerRun {
  readonly pid: number;
  readonly port: number;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

async function startRun(
  binary: string,
  storeDir: string,
  host: string,
  port: number,
  options: StartNatsServerOptions,
): Promise<ServerRun> {
  const lock = await lockStore(storeDir);
  try {
    const portsFolder = join(storeDir, 'ports');
    const configFile = join(storeDir, 'nats-server.conf');
    await rm(portsFolder, { recursive: true, force: true });
    await mkdir(portsFolder);
    const config = renderServerConfig({
      host,
      port,
      storeDir,
      portsFolder,
      name: options.name ?? 'stance',
      maxPayloadBytes: options.maxPayloadBytes ?? 1_048_576,
      syncInterval: options.syncInterval,
      serverConfig: options.serverConfig ?? '',
    });
    // It may hold credentials.
    await writeFile(configFile, config, { mode: 0o600 });
    const log = await openLog(options);
    const server = await ServerProcess.start(binary, ['-c', configFile], log.write);
    void server.exited.then(log.end);
    await lock.assignTo(server.pid);
    return await supervise(server, lock, options, () =>
      ready(server, { binary, host, port, portsFolder, configFile, options }),
    );
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function supervise(
  server: ServerProcess,
  lock: StoreLock,
  options: StartNatsServerOptions,
  untilReady: () => Promise<number>,
): Promise<ServerRun> {
  process.once('exit', lock.releaseNow);
  const released = (async () => {
    await server.exited;
    process.off('exit', lock.releaseNow);
    await lock.release();
  })();
  let wanted = true;
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    wanted = false;
    server.signal(signal);
    const late = setTimeout(() => server.signal('SIGKILL'), options.stopTimeoutMs ?? 10_000);
    await released;
    clearTimeout(late);
  };
  try {
    const port = await untilReady();
    void server.exited.then((exit) => (wanted ? options.onExit?.(exit) : undefined));
    return { pid: server.pid, port, end };
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
}

interface StartContext {
  readonly binary: string;
  readonly host: string;
  readonly port: number;
  readonly portsFolder: string;
  readonly configFile: string;
  readonly options: StartNatsServerOptions;
}

/** Waits for the port file, then for an answer with JetStream on, which comes after the recovery of the data. */
async function ready(server: ServerProcess, context: StartContext): Promise<number> {
  const deadlineMs = context.options.readyTimeoutMs ?? 30_000;
  const deadline = performance.now() + deadlineMs;
  while (performance.now() < deadline) {
    if (server.exit !== undefined) throw earlyExit(server.exit, context);
    const port = await listeningPort(context.portsFolder, context.binary, server.pid);
    if (port !== undefined && (await answersWithJetStream(reachable(context.host), port))) return port;
    await sleep(20);
  }
  throw new NatsServerNotReadyError(deadlineMs, server.lastLogLines);
}

function earlyExit(exit: ServerExit, { host, port, configFile }: StartContext): Error {
  const portTaken = exit.lastLogLines.some((line) => /address already in use|Only one usage of each socket/.test(line));
  return portTaken
    ? new PortInUseError(host, port)
    : new NatsServerExitedError(exit.how, exit.lastLogLines, configFile);
}

/** A server that listens everywhere is asked on loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

interface ServerLog {
  write: (line: string) => void;
  end: () => void;
}

async function openLog({ logFile, onLog }: StartNatsServerOptions): Promise<ServerLog> {
  const file = logFile === undefined ? undefined : (await open(logFile, 'a')).createWriteStream();
  return {
    write: (line) => {
      file?.write(`${line}\n`);
      onLog?.(line);
    },
    end: () => void file?.end(),
  };
}
