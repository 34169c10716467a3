import type { NatsConnection } from '@nats-io/transport-node';
import { STREAMS } from '@stance/contracts';
import { checkTopology, connectToNats, EventPublisher, type NatsOptions } from '@stance/jetstream';
import { optionalText } from '@stance/service-kit';

/** Credentials of the account that holds the trail; without, the trail is where the facts are. */
export const TRAIL_SETTINGS = {
  STANCE_AUDIT_NATS_CREDS_FILE: optionalText({
    description: 'NATS credentials file of the account that holds the audit trail',
  }),
  STANCE_AUDIT_NATS_NKEY_SEED_FILE: optionalText({
    description: 'file with the seed of an NKey in the account that holds the audit trail',
  }),
};

/** Where the trail is written and read: over the service's own connection, or another in the account of the trail. */
export interface TrailConnection {
  readonly connection: NatsConnection;
  readonly publisher: EventPublisher;
  /** Closes what was opened for it. */
  close(): Promise<void>;
}

export interface TrailCredentials {
  readonly STANCE_AUDIT_NATS_CREDS_FILE?: string | undefined;
  readonly STANCE_AUDIT_NATS_NKEY_SEED_FILE?: string | undefined;
}

/** Opens it, and checks the trail's stream. Throws `NatsUnreachable`, and `TopologyMismatch` where there is none, or another. */
export async function connectTrail(
  credentials: TrailCredentials,
  server: Pick<NatsOptions, 'url' | 'tls'>,
  own: { readonly connection: NatsConnection; readonly publisher: EventPublisher },
): Promise<TrailConnection> {
  const { STANCE_AUDIT_NATS_CREDS_FILE: credsFile, STANCE_AUDIT_NATS_NKEY_SEED_FILE: nkeySeedFile } = credentials;
  const isElsewhere = credsFile !== undefined || nkeySeedFile !== undefined;
  const connection = isElsewhere
    ? await connectToNats({ ...server, name: 'stance-audit-trail', credsFile, nkeySeedFile, waitForServer: false })
    : own.connection;
  const publisher = isElsewhere ? new EventPublisher(connection, own.publisher.service) : own.publisher;
  const close = async () => {
    if (!isElsewhere) return;
    publisher.close();
    await connection.close();
  };
  try {
    await checkTopology(connection, { streams: [STREAMS.AUDIT.name] });
  } catch (error) {
    await close();
    throw error;
  }
  return { connection, publisher, close };
}
