import { accessSync, constants } from 'node:fs';
import { jetstreamManager, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { SourceReported, STREAMS, subjectOf, type EventContract, type EventOf, type KeysOf } from '@stance/contracts';
import { connectToNats } from '@stance/jetstream';
import { COMMON_SETTINGS, loadConfiguration } from '@stance/service-kit';
import { WrongUsage } from './errors.js';
import { decodeOrSkip, readTable } from './read-table.js';

/** Where to connect, and what is known about it. */
export interface Server {
  readonly natsUrl: string;
  /** `npm start` runs it in demo mode. */
  readonly demo: boolean;
}

const { NATS_CREDS_FILE, NATS_NKEY_SEED_FILE, NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE } = COMMON_SETTINGS;
const CREDENTIALS = { NATS_CREDS_FILE, NATS_NKEY_SEED_FILE, NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE };

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
  private constructor(
    readonly server: Server,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    private readonly note: (text: string) => void,
  ) {}

  /** Connects at once or fails: `NatsUnreachable`, {@link WrongUsage}. `note` gets what the user should know besides. */
  static async connect(server: Server, env: NodeJS.ProcessEnv, note: (text: string) => void): Promise<Stack> {
    const credentials = loadConfiguration(CREDENTIALS, env);
    for (const [name, file] of Object.entries(credentials)) if (file !== undefined) requireReadable(name, file);
    const connection = await connectToNats({
      url: server.natsUrl,
      name: 'stance',
      credsFile: credentials.NATS_CREDS_FILE,
      nkeySeedFile: credentials.NATS_NKEY_SEED_FILE,
      tls: {
        caFile: credentials.NATS_CA_FILE,
        certFile: credentials.NATS_CERT_FILE,
        keyFile: credentials.NATS_KEY_FILE,
      },
      waitForServer: false,
    });
    try {
      return new Stack(server, connection, await jetstreamManager(connection), note);
    } catch (error) {
      await connection.close();
      throw error;
    }
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
      // No such stream: whatever reads it next says so.
      if (error instanceof JetStreamApiError) return false;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

function requireReadable(name: string, file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw new WrongUsage(`${name}: ${file} cannot be read`, { cause: error });
  }
}
