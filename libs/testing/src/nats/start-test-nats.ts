import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';

import { startFromBinary } from './binary-server.js';
import { chooseOrigin, testNatsImage, type TestNatsOrigin } from './choose-origin.js';
import { startInDocker } from './docker-server.js';
import type { RunningServer, ServerSettings } from './running-server.js';

export type { TestNatsOrigin };

export type StartTestNatsOptions = ServerSettings;

/** The NATS server of one spec file: start it in `beforeAll`, close it in `afterAll`. */
export interface TestNats {
  readonly url: string;
  readonly origin: TestNatsOrigin;
  /**
   * True for a server of this file's own. False for NATS_URL: other tests may use it, so run with `--runInBand`, delete the
   * file's streams and buckets before each test, and skip what stops the server.
   */
  readonly dedicated: boolean;
  /** A connection that `close` closes. */
  connect(options?: NodeConnectionOptions): Promise<NatsConnection>;
  /** Shuts the server down in order; throws {@link SharedServerError} unless `dedicated`, as the next two do. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Starts again on the same port and data. */
  restart(): Promise<void>;
  /** Closes the connections, ends the server and removes its storage; a shared one stays as it is. */
  close(): Promise<void>;
}

/** Thrown when a test would stop a server that is not its own. */
export class SharedServerError extends Error {
  override readonly name = 'SharedServerError';

  constructor(action: string) {
    super(
      `The server of NATS_URL is shared: a test must not ${action} it. Unset NATS_URL, or skip the test unless nats.dedicated.`,
    );
  }
}

/** Thrown when server options are given but NATS_URL names a server that is configured already. */
export class SharedServerOptionsError extends Error {
  override readonly name = 'SharedServerOptionsError';

  constructor() {
    super('This test needs a server with a configuration of its own: unset NATS_URL to run it.');
  }
}

/** A server from NATS_URL, Docker or the local binary, in this order; STANCE_TEST_NATS=docker|binary chooses. */
export async function startTestNats(options: StartTestNatsOptions = {}): Promise<TestNats> {
  const { origin } = await chooseOrigin(process.env);
  const server = await serverFor(origin, options);
  const connections = new Set<NatsConnection>();
  return {
    url: server.url,
    origin,
    dedicated: origin !== 'NATS_URL',
    connect: async (connectionOptions = {}) => {
      const connection = await connect({ servers: server.url, ...connectionOptions });
      connections.add(connection);
      return connection;
    },
    stop: () => server.stop(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    close: async () => {
      await Promise.all([...connections].map((connection) => connection.close()));
      await server.close();
    },
  };
}

async function serverFor(origin: TestNatsOrigin, options: StartTestNatsOptions): Promise<RunningServer> {
  if (origin === 'docker') return startInDocker(testNatsImage(process.env), options);
  if (origin === 'binary') return startFromBinary(options);
  if (options.serverConfig !== undefined || options.syncInterval !== undefined) throw new SharedServerOptionsError();
  return sharedServer(process.env['NATS_URL'] ?? '');
}

function sharedServer(url: string): RunningServer {
  const refuse = (action: string) => (): Promise<never> => Promise.reject(new SharedServerError(action));
  return {
    url,
    stop: refuse('stop'),
    kill: refuse('kill'),
    restart: refuse('restart'),
    close: () => Promise.resolve(),
  };
}
