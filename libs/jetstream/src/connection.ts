import { readFileSync } from 'node:fs';
import {
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  type Authenticator,
  type NatsConnection,
} from '@nats-io/transport-node';

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

/** Connects, and reconnects for as long as the process lives: an outage of any length heals by itself. */
export async function connectToNats(options: NatsOptions): Promise<NatsConnection> {
  const servers = options.url.split(',').map((server) => server.trim());
  const authenticator = authenticatorOf(options);
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

function authenticatorOf({ credsFile, nkeySeedFile }: NatsOptions): Authenticator | undefined {
  if (credsFile !== undefined) return credsAuthenticator(readFileSync(credsFile));
  if (nkeySeedFile !== undefined)
    return nkeyAuthenticator(new TextEncoder().encode(readFileSync(nkeySeedFile, 'utf8').trim()));
  return undefined;
}

/** The addresses as they may be shown: whatever stands before an `@` is a secret. */
export function withoutPasswords(url: string): string {
  return url.replaceAll(/\/\/[^@/,]*@/g, '//');
}
