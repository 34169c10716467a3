import { exposesCredentials, withoutPasswords } from '@stance/jetstream';
import type { LocalStack } from './local-stack.js';
import type { Server } from './stack.js';

/** Where a command connects, and with which settings. */
export interface Destination {
  readonly server: Server;
  /** The environment, as far as it is meant for that server. */
  readonly env: NodeJS.ProcessEnv;
  /** What the user should know before it connects. */
  readonly notes: readonly string[];
}

/** Settings that are credentials for the server that the user names, and for no other. */
const FOR_NAMED_SERVERS = [
  'NATS_CREDS_FILE',
  'NATS_NKEY_SEED_FILE',
  'NATS_CA_FILE',
  'NATS_CERT_FILE',
  'NATS_KEY_FILE',
  'STANCE_AUDIT_NATS_CREDS_FILE',
  'STANCE_AUDIT_NATS_NKEY_SEED_FILE',
] as const;

/** The server that the user names. */
export function namedServer(natsUrl: string, env: NodeJS.ProcessEnv): Destination {
  const given = (...names: (typeof FOR_NAMED_SERVERS)[number][]) =>
    names.map((name) => env[name]).find((value) => value !== undefined && value !== '');
  const exposed = exposesCredentials({
    url: natsUrl,
    credsFile: given('NATS_CREDS_FILE', 'STANCE_AUDIT_NATS_CREDS_FILE'),
    nkeySeedFile: given('NATS_NKEY_SEED_FILE', 'STANCE_AUDIT_NATS_NKEY_SEED_FILE'),
    tls: { caFile: given('NATS_CA_FILE'), certFile: given('NATS_CERT_FILE'), keyFile: given('NATS_KEY_FILE') },
  });
  const warning = `${withoutPasswords(natsUrl)} does not ask for TLS: whoever is on the way to the server can act as you; write tls:// addresses`;
  return { server: { natsUrl, demo: false }, env, notes: exposed ? [warning] : [] };
}

/** The local stack: its users are in its folder, and the address that a file gave gets to see no other credentials. */
export function localServer(stack: LocalStack, env: NodeJS.ProcessEnv): Destination {
  const left = { ...env };
  for (const name of FOR_NAMED_SERVERS) delete left[name];
  const unused = FOR_NAMED_SERVERS.filter((name) => env[name] !== undefined && env[name] !== '');
  const note = `${unused.join(', ')}: not used for the local stack at ${withoutPasswords(stack.natsUrl)}; set NATS_URL or --nats to use another server`;
  return { server: stack, env: left, notes: unused.length > 0 ? [note] : [] };
}
