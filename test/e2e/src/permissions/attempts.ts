import { errors, type NatsConnection } from '@nats-io/transport-node';

/** What every user is refused, so that it ends a batch. */
const LAST = 'refused.to.all';

/** The subjects of these on which the server lets nobody publish over this connection. */
export async function refusedPublishes(connection: NatsConnection, subjects: readonly string[]): Promise<Set<string>> {
  return refusals(connection, 'publish', () => {
    for (const subject of [...subjects, LAST]) connection.publish(subject);
  });
}

/** The subjects of these on which the server lets nobody listen over this connection. */
export async function refusedSubscriptions(
  connection: NatsConnection,
  subjects: readonly string[],
): Promise<Set<string>> {
  return refusals(connection, 'subscription', () => {
    for (const subject of [...subjects, LAST]) connection.subscribe(subject, { callback: () => undefined });
  });
}

/** Servers tell of refusals on their own and in order: the last one says that no other is to come. */
async function refusals(
  connection: NatsConnection,
  operation: 'publish' | 'subscription',
  attempt: () => void,
): Promise<Set<string>> {
  const refused = new Set<string>();
  const statuses = connection.status();
  attempt();
  for await (const status of statuses) {
    if (status.type === 'close' || status.type === 'disconnect') throw new Error('the server ended the connection');
    if (status.type !== 'error' || !(status.error instanceof errors.PermissionViolationError)) continue;
    if (status.error.operation !== operation) continue;
    if (status.error.subject === LAST) return refused;
    refused.add(status.error.subject);
  }
  throw new Error('the connection was closed');
}
