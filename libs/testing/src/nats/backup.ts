import type { ApiError } from '@nats-io/jetstream';
import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import { PATIENCE_MS } from '../wait-for.js';

/** A stream as `nats stream backup` keeps it. */
export interface Backup {
  readonly stream: string;
  readonly config: unknown;
  readonly state: unknown;
  readonly chunks: readonly Uint8Array[];
}

interface Snapshot {
  readonly error?: ApiError;
  readonly config?: unknown;
  readonly state?: unknown;
}

interface Restoring {
  readonly error?: ApiError;
  readonly deliver_subject?: string;
}

const PATIENT = { timeout: PATIENCE_MS } as const;

/** Takes a backup, without consumers. */
export async function backUp(connection: NatsConnection, stream: string): Promise<Backup> {
  const deliverSubject = createInbox();
  const chunks: Uint8Array[] = [];
  const done = Promise.withResolvers<void>();
  connection.subscribe(deliverSubject, {
    callback: (_, message) => {
      if (message.data.byteLength === 0) return done.resolve();
      chunks.push(Uint8Array.from(message.data));
      message.respond();
    },
  });
  const request = JSON.stringify({ deliver_subject: deliverSubject, no_consumers: true });
  const reply = await connection.request(`$JS.API.STREAM.SNAPSHOT.${stream}`, request, PATIENT);
  const { error, config, state } = reply.json<Snapshot>();
  if (error !== undefined) throw new Error(`${stream} cannot be backed up: ${error.description}`);
  await done.promise;
  return { stream, config, state, chunks };
}

/** Restores a stream that was deleted. */
export async function restore(connection: NatsConnection, { stream, config, state, chunks }: Backup): Promise<void> {
  const reply = await connection.request(
    `$JS.API.STREAM.RESTORE.${stream}`,
    JSON.stringify({ config, state }),
    PATIENT,
  );
  const { error, deliver_subject: target } = reply.json<Restoring>();
  if (error !== undefined || target === undefined)
    throw new Error(`${stream} cannot be restored: ${error?.description}`);
  for (const chunk of chunks) await connection.request(target, chunk, PATIENT);
  const { error: failure } = (await connection.request(target, '', PATIENT)).json<Restoring>();
  if (failure !== undefined) throw new Error(`${stream} cannot be restored: ${failure.description}`);
}
