import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { writeAuthFolder, type AuthFormat, type Estate } from '@stance/nats-auth';
import { findNatsServer, PortInUseError } from '@stance/nats-server';
import { TestAuthority } from '../certificates/certificates.js';
import { freePort } from '../free-port.js';
import { temporaryFolder } from '../temporary-folder.js';
import { waitFor } from '../wait-for.js';
import { ailmentsOf } from './cluster-health.js';
import { startClusterServer, type ClusterServer, type ServerEnd } from './cluster-server.js';
import { renderClusterConfig, type CertificateFiles } from './server-config.js';
import { credentialsOf, type CredentialSettings } from './user-credentials.js';

export interface StartNatsClusterOptions {
  readonly estate: Estate;
  /** Default 3, the least that survives the loss of one. */
  readonly servers?: number;
  /** Default `config`. */
  readonly format?: AuthFormat;
  /** Gets each line of the servers' logs. */
  readonly onLog?: (server: string, line: string) => void;
}

/** The settings by which a service reaches the cluster as a user. */
export type ClusterSettings = { NATS_URL: string; NATS_CA_FILE: string } & CredentialSettings;

/**
 * NATS servers that replicate streams among them, with TLS to clients and to each other, every write on disk before it is
 * confirmed, and the accounts and users of an estate: what an operator runs, from the local binary.
 */
export interface NatsCluster {
  readonly servers: readonly ClusterServer[];
  /** The addresses of all servers, separated by commas. */
  readonly url: string;
  readonly caFile: string;
  settingsOf(user: string): ClusterSettings;
  /** The file with the user's credentials. */
  fileOf(user: string): string;
  inboxOf(user: string): string;
  /** A connection of a user, which `close` closes; it reconnects for ever. */
  connectAs(user: string, options?: NodeConnectionOptions): Promise<NatsConnection>;
  /** Resolves once every server is healthy and every replica up to date: the next one may go. */
  inSync(timeoutMs?: number): Promise<void>;
  /** Ends a server, starts it again and waits until all are in sync. */
  restart(server: ClusterServer, how?: ServerEnd): Promise<void>;
  /** Closes the connections, ends the servers and removes their storage. */
  close(): Promise<void>;
}

/** Ports may be taken between finding and using them; how often others are tried. */
const ATTEMPTS = 3;

/** Starts the servers and waits until they are a cluster. Throws what `startNatsServer` and `writeAuthFolder` throw. */
export async function startNatsCluster(options: StartNatsClusterOptions): Promise<NatsCluster> {
  const { estate, format = 'config', servers: count = 3 } = options;
  const folder = await temporaryFolder();
  const connections = new Set<NatsConnection>();
  let servers: readonly ClusterServer[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([...connections].map((connection) => connection.close()));
    await Promise.all(servers.map((server) => server.end('kill')));
    await folder.remove();
  };
  try {
    const auth = await writeAuthFolder(join(folder.path, 'auth'), estate, { format });
    const files = await writeCertificates(folder.path);
    const authConfig = readFileSync(auth.serverConfig, 'utf8');
    servers = await startServers(folder.path, count, { ...files, authConfig }, options.onLog);
    const urls = servers.map(({ url }) => url);
    const { caFile } = files;
    const of = (user: string) => credentialsOf(auth, format, user);
    const connectAs = async (user: string, more: NodeConnectionOptions = {}): Promise<NatsConnection> => {
      const { authenticator, inboxPrefix } = of(user);
      const endless = { maxReconnectAttempts: -1, reconnectTimeWait: 100, ignoreAuthErrorAbort: true };
      const who = { name: user, authenticator, inboxPrefix };
      const connection = await connect({ servers: urls, tls: { caFile }, ...endless, ...who, ...more });
      connections.add(connection);
      return connection;
    };
    const system = await connectAs('system');
    const names = servers.map(({ name }) => name);
    const inSync = async (timeoutMs = 60_000): Promise<void> => {
      const look = async () => {
        const ailments = await ailmentsOf(system, names);
        if (ailments.length > 0) throw new Error(ailments.join('; '));
        return true;
      };
      await waitFor(look, { what: 'the NATS cluster to be in sync', timeoutMs, intervalMs: 100 });
    };
    await inSync();
    return {
      servers,
      url: urls.join(','),
      caFile,
      settingsOf: (user) => ({ NATS_URL: urls.join(','), NATS_CA_FILE: caFile, ...of(user).settings }),
      fileOf: (user) => of(user).file,
      inboxOf: (user) => of(user).inboxPrefix,
      connectAs,
      inSync,
      restart: async (server, how = 'lame duck') => {
        await server.end(how);
        await server.start();
        await inSync();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type SharedFiles = { readonly caFile: string; readonly server: CertificateFiles; readonly route: CertificateFiles };

async function startServers(
  folder: string,
  count: number,
  shared: SharedFiles & { readonly authConfig: string },
  onLog: StartNatsClusterOptions['onLog'],
): Promise<ClusterServer[]> {
  const binary = await findNatsServer();
  for (let attempt = 1; ; attempt += 1) {
    const ports: number[] = [];
    while (ports.length < 2 * count) ports.push(await freePort());
    const routePorts = ports.slice(count);
    const starting = routePorts.map((routePort, index) => {
      const name = `nats-${index}`;
      return startClusterServer(name, {
        binary,
        storeDir: join(folder, name),
        port: ports[index] ?? 0,
        syncInterval: 'always',
        serverConfig: renderClusterConfig({ ...shared, routePort, routePorts }),
        ...(onLog && { onLog: (line) => onLog(name, line) }),
      });
    });
    const outcomes = await Promise.allSettled(starting);
    const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return started;
    await Promise.all(started.map((server) => server.end('kill')));
    if (!(failed.reason instanceof PortInUseError) || attempt === ATTEMPTS) throw failed.reason;
  }
}

/** One authority for both; what servers show each other is good for both ends of a connection. */
async function writeCertificates(folder: string): Promise<SharedFiles> {
  const authority = TestAuthority.create('NATS CA');
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.certificate);
  const altNames = [{ ip: '127.0.0.1' }, { dns: 'localhost' }];
  const write = async (name: string, usage: 'server' | 'none'): Promise<CertificateFiles> => {
    const { certificate, key } = authority.issue({ commonNames: [name], altNames, usage });
    const files = { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
    await writeFile(files.certFile, certificate);
    await writeFile(files.keyFile, key, { mode: 0o600 });
    return files;
  };
  return { caFile, server: await write('nats', 'server'), route: await write('nats-route', 'none') };
}
