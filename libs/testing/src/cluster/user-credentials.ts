import { readFileSync } from 'node:fs';
import type { Authenticator } from '@nats-io/transport-node';
import { inboxOfKey } from '@stance/contracts';
import type { AuthFolder, AuthFormat } from '@stance/nats-auth';
import { credentialsIn } from '@stance/nkeys';

/** Where a service finds what lets it in, as its settings name it. */
export type CredentialSettings = { NATS_NKEY_SEED_FILE: string } | { NATS_CREDS_FILE: string };

/** What lets one user in. */
export interface UserCredentials {
  readonly file: string;
  readonly settings: CredentialSettings;
  readonly authenticator: Authenticator;
  /** Below this the user may listen to answers. */
  readonly inboxPrefix: string;
}

/** Reads the credentials of a user from a generated folder. Throws for a user that it has none of. */
export function credentialsOf({ credentials }: AuthFolder, format: AuthFormat, user: string): UserCredentials {
  const file = credentials.get(user);
  if (file === undefined)
    throw new TypeError(`there is no user ${user}; there are ${[...credentials.keys()].join(', ')}`);
  const { publicKey, authenticator } = credentialsIn(readFileSync(file, 'utf8'));
  return {
    file,
    settings: format === 'jwt' ? { NATS_CREDS_FILE: file } : { NATS_NKEY_SEED_FILE: file },
    authenticator,
    inboxPrefix: inboxOfKey(publicKey),
  };
}
