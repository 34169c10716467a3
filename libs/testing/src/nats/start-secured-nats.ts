import { readFileSync } from 'node:fs';
import type { NatsConnection } from '@nats-io/transport-node';
import { inboxOfKey } from '@stance/contracts';
import { usersOf, writeAuthFolder, type AuthFormat, type Estate } from '@stance/nats-auth';
import { credentialsIn } from '@stance/nkeys';
import { temporaryFolder } from '../temporary-folder.js';
import { startTestNats, type TestNats } from './start-test-nats.js';

/** A NATS server with the accounts and users of an estate, as `stance nats-auth generate` makes them. */
export interface SecuredNats extends Omit<TestNats, 'connect'> {
  readonly users: readonly string[];
  /** Credentials of a user, as settings of a service. */
  settingsOf(user: string): { NATS_NKEY_SEED_FILE: string } | { NATS_CREDS_FILE: string };
  /** The file that holds them. */
  fileOf(user: string): string;
  inboxOf(user: string): string;
  /** A connection of a user, which `close` closes. */
  connectAs(user: string): Promise<NatsConnection>;
}

export async function startSecuredNats(
  estate: Estate,
  { format = 'config' }: { format?: AuthFormat } = {},
): Promise<SecuredNats> {
  const folder = await temporaryFolder();
  const { serverConfig, credentials } = await writeAuthFolder(folder.path, estate, { format });
  const nats = await startTestNats({ serverConfig: readFileSync(serverConfig, 'utf8') });
  const fileOf = (user: string) => {
    const file = credentials.get(user);
    if (file === undefined)
      throw new TypeError(`there is no user ${user}; there are ${[...credentials.keys()].join(', ')}`);
    return file;
  };
  const credentialsOf = (user: string) => credentialsIn(readFileSync(fileOf(user), 'utf8'));
  const inboxOf = (user: string) => inboxOfKey(credentialsOf(user).publicKey);
  return {
    ...nats,
    users: usersOf(estate),
    fileOf,
    settingsOf: (user) =>
      format === 'jwt' ? { NATS_CREDS_FILE: fileOf(user) } : { NATS_NKEY_SEED_FILE: fileOf(user) },
    inboxOf,
    connectAs: (user) =>
      nats.connect({ name: user, authenticator: credentialsOf(user).authenticator, inboxPrefix: inboxOf(user) }),
    close: async () => {
      await nats.close();
      await folder.remove();
    },
  };
}
