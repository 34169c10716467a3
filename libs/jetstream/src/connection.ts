import { readFileSync } from 'node:fs';
import {
  connect,
  createInbox,
  type Authenticator,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { inboxOfKey } from '@stance/contracts';
import { credentialsIn, type Credentials } from '@stance/nkeys';
import { addressesIn, isLoopback, withoutPasswords } from './addresses.js';

export interface NatsOptions {
  /** One or more addresses, separated by commas; all `tls://`, which requires TLS, or all `nats://`. */
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

/**
 * Connects, and reconnects for as long as the process lives: an outage of any length heals by itself. Throws
 * `UnusableAddress`, {@link UnusableCredentials}, {@link NatsUnreachable}.
 */
export async function connectToNats(options: NatsOptions): Promise<NatsConnection> {
  const { servers } = addressesIn(options.url);
  const { authenticator, inboxPrefix } = identityOf(options);
  const tls = tlsOf(options);
  try {
    return await connect({
      servers: [...servers],
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
      ...(tls && { tls }),
    });
  } catch (error) {
    throw new NatsUnreachable(
      `no NATS server answers at ${withoutPasswords(options.url)} (${error instanceof Error ? error.message : String(error)}): ` +
        'check NATS_URL and that the server runs',
      { cause: error },
    );
  }
}

/**
 * Whether a user's key is used where TLS is not required, over a network: whoever stands in between relays the server's
 * challenge, takes the signature, and is that user from then on. The key itself is never sent.
 */
export function exposesCredentials(options: Pick<NatsOptions, 'url' | 'tls' | 'credsFile' | 'nkeySeedFile'>): boolean {
  const hasUser = options.credsFile !== undefined || options.nkeySeedFile !== undefined;
  return hasUser && tlsOf(options) === undefined && !isLoopback(options.url);
}

/** A new subject for answers, below what the connection's user may listen to. */
export function inboxOf(connection: NatsConnection): string {
  // The client keeps its options there, as its own requests need them; its types do not say so.
  const { options } = connection as NatsConnection & { readonly options?: { readonly inboxPrefix?: string } };
  return createInbox(options?.inboxPrefix);
}

/** Without, the client takes a connection in plain text from whoever offers it. */
function tlsOf({ url, tls }: Pick<NatsOptions, 'url' | 'tls'>): TlsOptions | undefined {
  const { caFile, certFile, keyFile } = tls ?? {};
  if (!addressesIn(url).requireTls && (caFile ?? certFile ?? keyFile) === undefined) return undefined;
  return { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) };
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
