import { encodeAccount, encodeActivation, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt';
import { createAccount, createOperator, fromPublic, type KeyPair } from '@nats-io/nkeys';
import { SYSTEM_ACCOUNT, type AccountPlan, type Export, type UserPlan } from './accounts.js';
import { keyPairOf, seedOf, type UserKey } from './keys.js';
import { PREAMBLE } from './server-config.js';

/** Seeds of those who sign: the operator and each account, by its name. Secrets, like the seeds of users. */
export interface SigningSeeds {
  readonly operator: string;
  readonly accounts: Readonly<Record<string, string>>;
}

/** What an estate is in operator mode. */
export interface OperatorFiles {
  /** A part of nats-server's configuration: the operator, and every account by its JWT. */
  readonly serverConfig: string;
  /** Credentials files by user. */
  readonly credentials: ReadonlyMap<string, string>;
}

const UNLIMITED = -1;

export function newSigningSeeds(accounts: readonly Pick<AccountPlan, 'name'>[]): SigningSeeds {
  return {
    operator: seedOf(createOperator()),
    accounts: Object.fromEntries(accounts.map(({ name }) => [name, seedOf(createAccount())])),
  };
}

/** The same accounts as signed JWTs. `keyOf`: a user's key. Throws where an account has no seed. */
export async function operatorFiles(
  accounts: readonly AccountPlan[],
  seeds: SigningSeeds,
  keyOf: (user: string) => UserKey,
): Promise<OperatorFiles> {
  const operator = keyPairOf(seeds.operator);
  const keys = new Map(accounts.map(({ name }) => [name, accountKey(seeds, name)]));
  const idOf = (name: string) => keyIn(keys, name).getPublicKey();
  const jwts: [string, string][] = [];
  const credentials = new Map<string, string>();
  for (const account of accounts) {
    const key = keyIn(keys, account.name);
    jwts.push([account.name, await accountJwt(account, accounts, keys, operator)]);
    for (const user of account.users) credentials.set(user.name, await credentialsOf(user, key, keyOf(user.name)));
  }
  const operatorJwt = await encodeOperator('stance', operator, { system_account: idOf(SYSTEM_ACCOUNT) });
  return {
    serverConfig: [
      ...PREAMBLE,
      // A user shows its rights as it connects, in one line, of which a server reads 4 KiB by default: too few for a service's.
      'max_control_line: 256KB',
      `operator: ${operatorJwt}`,
      `system_account: ${idOf(SYSTEM_ACCOUNT)}`,
      'resolver: MEMORY',
      'resolver_preload: {',
      ...jwts.flatMap(([name, jwt]) => [`  # ${name}`, `  ${idOf(name)}: ${jwt}`]),
      '}',
      '',
    ].join('\n'),
    credentials,
  };
}

async function accountJwt(
  { name, jetstream, exports, imports }: AccountPlan,
  accounts: readonly AccountPlan[],
  keys: ReadonlyMap<string, KeyPair>,
  operator: KeyPair,
): Promise<string> {
  const key = keyIn(keys, name);
  return encodeAccount(
    name,
    key,
    {
      limits: limitsOf(jetstream),
      // Each takes part by a token that its account has signed for one other account.
      exports: exports.map(({ kind, subject }) => ({
        name: subject,
        subject,
        type: kind,
        token_req: true,
      })),
      imports: await Promise.all(
        imports.map(async ({ kind, account, subject, as }) => ({
          name: subject,
          subject,
          type: kind,
          account: keyIn(keys, account).getPublicKey(),
          token: await activationOf(subject, kind, key, keyIn(keys, account), accounts, account),
          ...(as !== undefined && { local_subject: as }),
        })),
      ),
    },
    { signer: operator },
  );
}

async function activationOf(
  subject: string,
  kind: Export['kind'],
  importer: KeyPair,
  exporter: KeyPair,
  accounts: readonly AccountPlan[],
  exporterName: string,
): Promise<string> {
  const offered = accounts.find(({ name }) => name === exporterName)?.exports.some((one) => one.subject === subject);
  if (offered !== true) throw new TypeError(`${exporterName} does not export ${subject}`);
  return encodeActivation(subject, fromPublic(importer.getPublicKey()), exporter, kind, {
    subject,
    kind,
  });
}

function limitsOf(jetstream: AccountPlan['jetstream']) {
  const nats = { subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED };
  const account = { imports: UNLIMITED, exports: UNLIMITED, wildcards: true, conn: UNLIMITED, leaf: 0 };
  if (jetstream === undefined) return { ...nats, ...account };
  return {
    ...nats,
    ...account,
    mem_storage: 0,
    disk_storage: jetstream.maxBytes ?? UNLIMITED,
    streams: UNLIMITED,
    consumer: UNLIMITED,
  };
}

async function credentialsOf({ name, permissions }: UserPlan, account: KeyPair, key: UserKey): Promise<string> {
  const pair = keyPairOf(key.seed);
  const unlimited = { subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED };
  const jwt = await encodeUser(name, pair, account, {
    ...unlimited,
    ...(permissions && {
      pub: { allow: [...permissions.publish.allow], deny: [...permissions.publish.deny] },
      sub: { allow: [...permissions.subscribe.allow], deny: [] },
    }),
  });
  return new TextDecoder().decode(fmtCreds(jwt, pair));
}

function accountKey(seeds: SigningSeeds, name: string): KeyPair {
  const seed = seeds.accounts[name];
  if (seed === undefined) throw new TypeError(`there is no seed of the account ${name}`);
  return keyPairOf(seed);
}

function keyIn(keys: ReadonlyMap<string, KeyPair>, name: string): KeyPair {
  const key = keys.get(name);
  if (key === undefined) throw new TypeError(`there is no account ${name}`);
  return key;
}
