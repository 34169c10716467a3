import type { SyncInterval } from '@stance/nats-server';

export interface ServerSettings {
  /** Default: the server's own (2 minutes). */
  readonly syncInterval?: SyncInterval;
  /** More configuration in the server's own syntax, such as an `authorization` block. */
  readonly serverConfig?: string;
}

/** A server of a spec file's own, whatever runs it. */
export interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Ends it and removes its storage. */
  close(): Promise<void>;
}
