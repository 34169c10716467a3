import { encodeAccount, encodeActivation, encodeOperator, encodeUser, fmtCreds } from '@nats-io/jwt';
import { createAccount, createOperator, fromPublic, type KeyPair } from '@nats-io/nkeys';
import { keyPairOf, seedOf, type UserKey } from '@stance/nkeys';
import { SYSTEM_ACCOUNT, type AccountPlan, type Export, type UserPlan } from './accounts/account-plan.js';
import type { RevokedKeys } from './revoked-keys.js';
import { PREAMBLE } from './server-config.js';

/** Those who sign, by their seeds, which are secrets like those of users. */
export interface Signers {
  readonly operator: string;
  /** Signed once: a server that is told of another one has to be restarted. */
  readonly operatorJwt: string;
  /** By the account's name. */
  readonly accounts: Readonly<Record<string, string>>;
}

/** Users as the operator's accounts know them. */
export interface UsersKeys {
  readonly keyOf: (user: string) => UserKey;
  /** Keys that are no longer let in, in no account: whose they were may not be among the users any more. */
  readonly revoked: RevokedKeys;
}

/** What an estate is in operator mode. */
export interface OperatorFiles {
  /** A part of nats-server's configuration: the operator, and every account by its JWT. */
  readonly serverConfig: string;
  /** Credentials files by user. */
  readonly credentials: ReadonlyMap<string, string>;
}

const UNLIMITED = -1;

/** Those who sign for these accounts: whoever is known, and new ones for the rest. */
export async function newSigners(
  accounts: readonly Pick<AccountPlan, 'name'>[],
  known: Partial<Signers> = {},
): Promise<Signers> {
  const operator = known.operator ?? seedOf(createOperator());
  const fresh = accounts.map(({ name }) => [name, known.accounts?.[name] ?? seedOf(createAccount())] as const);
  const seeds = { ...known.accounts, ...Object.fromEntries(fresh) };
  const operatorJwt =
    known.operatorJwt ??
    (await encodeOperator('stance', keyPairOf(operator), {
      system_account: accountKey(seeds, SYSTEM_ACCOUNT).getPublicKey(),
    }));
  return { operator, operatorJwt, accounts: seeds };
}

/** The same accounts as signed JWTs. Throws where an account has no seed. */
export async function operatorFiles(
  accounts: readonly AccountPlan[],
  signers: Signers,
  { keyOf, revoked }: UsersKeys,
): Promise<OperatorFiles> {
  const operator = keyPairOf(signers.operator);
  const keys = new Map(accounts.map(({ name }) => [name, accountKey(signers.accounts, name)]));
  const idOf = (name: string) => keyIn(keys, name).getPublicKey();
  const jwts: [string, string][] = [];
  const credentials = new Map<string, string>();
  for (const account of accounts) {
    const key = keyIn(keys, account.name);
    jwts.push([account.name, await accountJwt(account, accounts, keys, operator, revoked)]);
    for (const user of account.users) credentials.set(user.name, await credentialsOf(user, key, keyOf(user.name)));
  }
  return {
    serverConfig: [
      ...PREAMBLE,
      // A user shows its rights as it connects, in one line, of which a server reads 4 KiB by default: too few for a service's.
      'max_control_line: 256KB',
      `operator: ${signers.operatorJwt}`,
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
  revocations: RevokedKeys,
): Promise<string> {
  const key = keyIn(keys, name);
  return encodeAccount(
    name,
    key,
    {
      limits: limitsOf(jetstream),
      revocations: { ...revocations },
      // Each takes part by a token that its account has signed for one other account.
      exports: exports.map(({ kind, subject, manyAnswers = false }) => ({
        name: subject,
        subject,
        type: kind,
        token_req: true,
        ...(manyAnswers && { response_type: 'Stream' as const }),
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

function accountKey(seeds: Signers['accounts'], name: string): KeyPair {
  const seed = seeds[name];
  if (seed === undefined) throw new TypeError(`there is no seed of the account ${name}`);
  return keyPairOf(seed);
}

function keyIn(keys: ReadonlyMap<string, KeyPair>, name: string): KeyPair {
  const key = keys.get(name);
  if (key === undefined) throw new TypeError(`there is no account ${name}`);
  return key;
}
