import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { UnusableId } from '@stance/contracts';
import {
  GatewayAccountMissing,
  NatsUnreachable,
  RequestFailed,
  ServerTooOld,
  ServiceUnavailable,
  TopologyForbidden,
  TopologyMismatch,
  Unconfirmed,
  UnusableAddress,
  UnusableCredentials,
} from '@stance/jetstream';
import { ConfigurationInvalid } from '@stance/service-kit';

/** What `stance` exits with; scripts hold on to these. */
export const EXIT = {
  ok: 0,
  /** What was asked about is not as it should be: a broken audit chain, an invalid policy, a link that is not followed. */
  negative: 1,
  /** The command line, the configuration or the name of a thing is wrong. */
  usage: 2,
  /** NATS, a service or the simulator does not answer. */
  unreachable: 3,
  /** A defect of `stance` itself. */
  unexpected: 70,
  /** Ctrl-C came before it was done; as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Thrown when what the user asked for cannot be done as asked; the message says what to do instead. */
export class WrongUsage extends Error {
  override readonly name = 'WrongUsage';
}

/** Thrown when something that has to answer does not. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** One line for people and the exit code of a failure that can be expected; `undefined` for a defect. */
export function describeFailure(error: unknown): { message: string; exitCode: ExitCode } | undefined {
  if (!(error instanceof Error)) return undefined;
  const exitCode = exitCodeOf(error);
  return exitCode === undefined ? undefined : { message: messageOf(error), exitCode };
}

const USAGE = [
  WrongUsage,
  ConfigurationInvalid,
  ServerTooOld,
  TopologyMismatch,
  TopologyForbidden,
  GatewayAccountMissing,
  UnusableAddress,
  UnusableCredentials,
  UnusableId,
];
const UNREACHABLE = [
  Unreachable,
  NatsUnreachable,
  ServiceUnavailable,
  Unconfirmed,
  errors.TimeoutError,
  errors.RequestError,
  errors.ClosedConnectionError,
  errors.ConnectionError,
];

/** Whether NATS does not let this user do what was asked. */
export function isForbidden(error: unknown): boolean {
  if (error instanceof errors.PermissionViolationError) return true;
  return error instanceof errors.RequestError && error.cause instanceof errors.PermissionViolationError;
}

function exitCodeOf(error: Error): ExitCode | undefined {
  if (error instanceof RequestFailed) {
    return error.code === 'not-ready' || error.code === 'internal' ? EXIT.unreachable : EXIT.usage;
  }
  if (isMissingStream(error) || isNoJetStream(error) || isForbidden(error)) {
    return EXIT.usage;
  }
  if (USAGE.some((kind) => error instanceof kind)) return EXIT.usage;
  return UNREACHABLE.some((kind) => error instanceof kind) ? EXIT.unreachable : undefined;
}

function messageOf(error: Error): string {
  if (isMissingStream(error)) {
    return 'the streams that Stance needs are not on this server: run `stance topology check`, then `stance topology apply`';
  }
  if (isNoJetStream(error))
    return 'this NATS server has no JetStream for this user: enable it, or check the credentials';
  if (isForbidden(error)) return `the NATS user may not do this: ${error.message}`;
  if (error instanceof errors.TimeoutError) return 'NATS did not answer in time: check that the server is healthy';
  return error.message;
}

function isMissingStream(error: Error): boolean {
  return error instanceof JetStreamApiError && error.name === 'StreamNotFoundError';
}

/** The client does not export the error's class. */
function isNoJetStream(error: Error): boolean {
  return error.name === 'JetStreamNotEnabled';
}
