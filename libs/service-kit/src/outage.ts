import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { NatsUnreachable, TopologyMismatch } from '@stance/jetstream';

/** JetStream answers, and cannot serve just now: no leader yet, or its data are still being recovered. */
const UNAVAILABLE_STATUS = 503;

/** Whether a failure passes by itself once NATS answers again; one of permissions does not. Pure. */
export function isOutage(error: unknown): boolean {
  // Refused as well: credentials are put right, or let in, while services wait, as with the first connection.
  if (error instanceof NatsUnreachable) return true;
  if (error instanceof JetStreamApiError) return error.status === UNAVAILABLE_STATUS;
  if (error instanceof errors.RequestError) return !(error.cause instanceof errors.PermissionViolationError);
  return error instanceof errors.TimeoutError || error instanceof errors.ConnectionError;
}

/** Whether a failure is for want of a stream, or of one that is as it should be. Pure. */
export function isMissingStream(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === JetStreamApiCodes.StreamNotFound;
  return error instanceof TopologyMismatch;
}
