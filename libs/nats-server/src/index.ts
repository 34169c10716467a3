export { NatsServerNotFoundError, type FailedAttempt } from './binary/errors.js';
export {
  findNatsServer,
  type FindNatsServerOptions,
  type NatsServerBinary,
  type NatsServerOrigin,
} from './binary/find-nats-server.js';
export { minimumServerVersion } from './binary/server-version.js';
export { NatsServerExitedError, NatsServerNotReadyError, PortInUseError, StoreInUseError } from './process/errors.js';
export { startNatsServer, type NatsServer, type StartNatsServerOptions } from './process/start-nats-server.js';
export type { ServerExit } from './process/server-process.js';
export type { SyncInterval } from './process/server-config.js';
