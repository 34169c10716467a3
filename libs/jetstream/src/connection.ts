import { readFileSync } from 'node:fs';
import { connect, createInbox, type Authenticator, type NatsConnection } from '@nats-io/transport-node';
import { inboxOfKey } from '@stance/contracts';
import { credentialsIn, type Credentials } from '@stance/nats-auth';

export interface NatsOptions {
  /** One or more addresses, separated by commas. */
  readonly url: string;
  /** The connection's name, as `nats server report connections` shows it. */
  readonly name: string;
  readonly credsFile?: string | undefined;
  readonly nkeySeedFile?: string | undefined;
  readonly tls?:
    { caFile?: string | undefined; certFile?: string | undefined; keyFile?: string | undefined } | undefined;
  /** Keep trying when no server answers at first; default true, as services start in any order. */
  readonly waitForServer?: boolean;
}

/** Thrown when the first connection fails and was not to be waited for. */
export class NatsUnreachable extends Error {
  override readonly name = 'NatsUnreachable';
}

/** Thrown for a credentials or seed file that is none. */
export class UnusableCredentials extends Error {
  override readonly name = 'UnusableCredentials';
}

/** Connects, and reconnects for as long as the process lives: an outage of any length heals by itself. */
export async function connectToNats(options: NatsOptions): Promise<NatsConnection> {
  const servers = options.url.split(',').map((server) => server.trim());
  const { authenticator, inboxPrefix } = identityOf(options);
  const { caFile, certFile, keyFile } = options.tls ?? {};
  try {
    return await connect({
      servers,
      name: options.name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: 10_000,
      maxPingOut: 2,
      waitOnFirstConnect: options.waitForServer ?? true,
      // A dead link must not look like a slow one: requests fail, and their callers retry.
      ignoreAuthErrorAbort: true,
      ...(authenticator && { authenticator }),
      ...(inboxPrefix !== undefined && { inboxPrefix }),
      ...((caFile ?? certFile ?? keyFile) && {
        tls: { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) },
      }),
    });
  } catch (error) {
    throw new NatsUnreachable(
      `no NATS server answers at ${withoutPasswords(options.url)} (${error instanceof Error ? error.message : String(error)}): ` +
        'check NATS_URL and that the server runs',
      { cause: error },
    );
  }
}

/** A new subject for answers, below what the connection's user may listen to. */
export function inboxOf(connection: NatsConnection): string {
  // The client keeps its options there, as its own requests need them; its types do not say so.
  const { options } = connection as NatsConnection & { readonly options?: { readonly inboxPrefix?: string } };
  return createInbox(options?.inboxPrefix);
}

interface Identity {
  readonly authenticator?: Authenticator;
  /** Where answers come: a user with an NKey has subjects of its own for them. */
  readonly inboxPrefix?: string;
}

function identityOf({ credsFile, nkeySeedFile }: NatsOptions): Identity {
  const file = credsFile ?? nkeySeedFile;
  if (file === undefined) return {};
  const { publicKey, authenticator } = readCredentials(file);
  return { authenticator, inboxPrefix: inboxOfKey(publicKey) };
}

function readCredentials(file: string): Credentials {
  const text = readFileSync(file, 'utf8');
  try {
    return credentialsIn(text);
  } catch (error) {
    throw new UnusableCredentials(`${file} holds no seed of a NATS user`, { cause: error });
  }
}

/** The addresses as they may be shown: whatever stands before an `@` is a secret. */
export function withoutPasswords(url: string): string {
  return url.replaceAll(/\/\/[^@/,]*@/g, '//');
}
