import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  AUDIT_API_PREFIX,
  SourceReported,
  STREAMS,
  subjectOf,
  type EventContract,
  type EventOf,
  type KeysOf,
} from '@stance/contracts';
import { connectToNats, type NatsOptions } from '@stance/jetstream';
import {
  COMMON_SETTINGS,
  loadConfiguration,
  optionalText,
  type ConfigurationOf,
  type Settings,
} from '@stance/service-kit';
import { isForbidden, WrongUsage } from './errors.js';
import { decodeOrSkip, readTable } from './read-table.js';

/** Where to connect, and what is known about it. */
export interface Server {
  readonly natsUrl: string;
  /** Of a local stack: where the credentials of its users are. */
  readonly usersFolder?: string | null | undefined;
  /** `npm start` runs it in demo mode. */
  readonly demo: boolean;
}

const { NATS_CREDS_FILE, NATS_NKEY_SEED_FILE, NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE } = COMMON_SETTINGS;
const CREDENTIALS = { NATS_CREDS_FILE, NATS_NKEY_SEED_FILE, NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE };
/** Of the account that holds the audit trail, where that is another. */
const TRAIL_CREDENTIALS = {
  STANCE_AUDIT_NATS_CREDS_FILE: optionalText({ description: 'NATS credentials file of a reader of the audit trail' }),
  STANCE_AUDIT_NATS_NKEY_SEED_FILE: optionalText({ description: 'seed of a reader of the audit trail' }),
};

/** The user that a command needs at a local stack, whose users are all at hand; elsewhere, whoever is given. */
export type LocalUser = 'policy-admin' | 'topology';

/** The name that the demo's source has, whoever runs it. */
const SIMULATED_SOURCE = 'simulated';

/** The last event of one key. */
export interface LastEvent<Contract extends EventContract> {
  /** Its sequence in its stream; 0 where there is none. */
  readonly sequence: number;
  /** `undefined` where there is none, or none that can be read. */
  readonly event: EventOf<Contract> | undefined;
}

/** A connection to the streams of one Stance. */
export class Stack {
  private trail: Promise<NatsConnection> | undefined;

  private constructor(
    readonly server: Server,
    private readonly env: NodeJS.ProcessEnv,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    private readonly note: (text: string) => void,
  ) {}

  /** Connects at once or fails: `NatsUnreachable`, {@link WrongUsage}. `note` gets what the user should know besides. */
  static async connect(
    server: Server,
    env: NodeJS.ProcessEnv,
    note: (text: string) => void,
    localUser: LocalUser = 'policy-admin',
  ): Promise<Stack> {
    const { NATS_CREDS_FILE: credsFile, NATS_NKEY_SEED_FILE: given } = readable(CREDENTIALS, env);
    const nkeySeedFile = given ?? (credsFile === undefined ? seedOf(server, localUser) : undefined);
    const connection = await connectAs(server, env, { credsFile, nkeySeedFile });
    try {
      return new Stack(server, env, connection, await jetstreamManager(connection), note);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  /** The way to the audit trail: the same, or that of an `auditor` where it is in an account of its own. */
  async trailManager(): Promise<JetStreamManager> {
    const reader = trailReader(this.server, this.env);
    if (reader === undefined) return this.manager;
    this.trail ??= connectAs(this.server, this.env, reader);
    return managerOfReader(await this.trail);
  }

  /**
   * The last event of every key, in the order in which they were stored; of some keys when `only` names parts of them, and
   * only those in which the text `holds` stands somewhere.
   */
  async table<Contract extends EventContract>(
    contract: Contract,
    only?: Partial<KeysOf<Contract>>,
    holds?: string,
  ): Promise<EventOf<Contract>[]> {
    const { events, unreadable } = await readTable(this.connection, contract, only, holds);
    if (unreadable > 0) this.note(`${unreadable} unreadable ${contract.name} events were left out`);
    return events;
  }

  /** The last event of one key, as the stream's leader has it. */
  async last<Contract extends EventContract>(contract: Contract, keys: KeysOf<Contract>): Promise<LastEvent<Contract>> {
    if (contract.stream === null) throw new TypeError(`${contract.name} is kept by no stream`);
    const subject = subjectOf(contract, keys);
    const message = await this.manager.streams.getMessage(contract.stream.name, { last_by_subj: subject });
    if (message === null) return { sequence: 0, event: undefined };
    return { sequence: message.seq, event: decodeOrSkip(contract, message.data, subject) };
  }

  /** Whether what it shows is made up. */
  async isSimulated(): Promise<boolean> {
    if (this.server.demo) return true;
    const subject = subjectOf(SourceReported, { source: SIMULATED_SOURCE });
    try {
      return (await this.manager.streams.getMessage(STREAMS.SOURCES.name, { last_by_subj: subject })) !== null;
    } catch (error) {
      // No such stream: whatever reads it next says so. Nor may every user look at sources.
      if (error instanceof JetStreamApiError || isForbidden(error)) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.connection.close(), (await this.trail)?.close()]);
  }
}

/** A way to the audit trail alone: for who has no other user than its reader. Fails as `Stack.connect` does. */
export async function connectToTrail(
  server: Server,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly connection: NatsConnection; readonly trail: JetStreamManager }> {
  const reader = trailReader(server, env);
  if (reader !== undefined) {
    const connection = await connectAs(server, env, reader);
    return { connection, trail: await managerOfReader(connection) };
  }
  const { NATS_CREDS_FILE: credsFile, NATS_NKEY_SEED_FILE: nkeySeedFile } = readable(CREDENTIALS, env);
  const connection = await connectAs(server, env, { credsFile, nkeySeedFile });
  return { connection, trail: await jetstreamManager(connection, { checkAPI: false }) };
}

/** What the trail's reader may ask is imported into its account. */
function managerOfReader(connection: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(connection, { apiPrefix: AUDIT_API_PREFIX, checkAPI: false });
}

type UserCredentials = Pick<NatsOptions, 'credsFile' | 'nkeySeedFile'>;

function connectAs({ natsUrl }: Server, env: NodeJS.ProcessEnv, credentials: UserCredentials): Promise<NatsConnection> {
  const { NATS_CA_FILE: caFile, NATS_CERT_FILE: certFile, NATS_KEY_FILE: keyFile } = readable(CREDENTIALS, env);
  const tls = { caFile, certFile, keyFile };
  return connectToNats({ url: natsUrl, name: 'stance', ...credentials, tls, waitForServer: false });
}

/** Who reads the audit trail, where that is another user. */
function trailReader(server: Server, env: NodeJS.ProcessEnv): UserCredentials | undefined {
  const settings = readable(TRAIL_CREDENTIALS, env);
  const credsFile = settings.STANCE_AUDIT_NATS_CREDS_FILE;
  const nkeySeedFile =
    settings.STANCE_AUDIT_NATS_NKEY_SEED_FILE ?? (credsFile === undefined ? seedOf(server, 'auditor') : undefined);
  return credsFile === undefined && nkeySeedFile === undefined ? undefined : { credsFile, nkeySeedFile };
}

function seedOf({ usersFolder }: Server, user: string): string | undefined {
  if (usersFolder === undefined || usersFolder === null) return undefined;
  const file = join(usersFolder, `${user}.nk`);
  return existsSync(file) ? file : undefined;
}

/** Settings that name files, each of which has to be readable. */
function readable<S extends Settings>(settings: S, env: NodeJS.ProcessEnv): ConfigurationOf<S> {
  const values = loadConfiguration(settings, env);
  for (const [name, file] of Object.entries(values)) if (typeof file === 'string') requireReadable(name, file);
  return values;
}

function requireReadable(name: string, file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw new WrongUsage(`${name}: ${file} cannot be read`, { cause: error });
  }
}
