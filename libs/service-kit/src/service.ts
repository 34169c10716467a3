import type { DynamicModule } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import type { ServiceName } from '@stance/contracts';
import type { EventPublisher, NatsOptions } from '@stance/jetstream';
import type { ConfigurationOf, Settings } from './configuration.js';
import type { Logger } from './log.js';

/** A table as the lifecycle sees it; `FactTable` of `@stance/jetstream` is one. */
export interface WarmTable {
  /** The stream that it is read from: when that is deleted and made anew, or set back, the service starts over. */
  readonly stream?: string;
  load(signal?: AbortSignal): Promise<void>;
  caughtUp(signal?: AbortSignal): Promise<void>;
  stopFollowing(): Promise<void>;
}

/** What a service is given to build itself from. */
export interface Runtime<S extends Settings = Settings> {
  readonly config: ConfigurationOf<S>;
  readonly connection: NatsConnection;
  /** Where that connection leads, for a service that needs another one as another user. */
  readonly server: Pick<NatsOptions, 'url' | 'tls'>;
  readonly publisher: EventPublisher;
  readonly logger: Logger;
  /** Ends the service for good, as when a port it needs is taken. */
  readonly fail: (error: Error) => void;
  /** Ends this stretch of activity as a lost lease does, because another replica turns out to be active: `reason` says how. */
  readonly standBy: (reason: Error) => void;
}

/** What a service is made of. */
export interface ServiceParts {
  /** Its composition root: handlers, and what they need. */
  readonly module: DynamicModule;
  /**
   * State that has to be loaded before anything is consumed. `fed` tables are changed by the service's own handlers and
   * writes once it is active, and stop following then; `followed` ones go on following.
   */
  readonly tables?: { readonly fed?: readonly WarmTable[]; readonly followed?: readonly WarmTable[] };
  /** Work of the active replica besides handling messages; called when its state is loaded and it consumes. */
  readonly activate?: () => Promise<void>;
  /** Ends that work; called before connections close. */
  readonly deactivate?: () => Promise<void>;
  /** More for `/readyz`. */
  readonly health?: () => { ready: boolean; details?: Record<string, unknown> };
}

/** A service: everything that tells it from the others. */
export interface ServiceDefinition<S extends Settings = Settings> {
  readonly name: ServiceName;
  /** Default of `STANCE_HTTP_PORT`. */
  readonly httpPort: number;
  readonly settings: S;
  /** Problems that no single setting has; empty when they fit together. */
  check?(config: ConfigurationOf<S>): readonly string[];
  /** What only one replica may do at a time; `undefined` where all are active. */
  lease?(config: ConfigurationOf<S>): string;
  /** Called anew for every stretch of activity, so that no state outlives a lost lease or a stream that is gone. */
  build(runtime: Runtime<S>): Promise<ServiceParts> | ServiceParts;
}

/** Keeps the settings' types while a definition is stored among others. */
export function defineService<S extends Settings>(definition: ServiceDefinition<S>): ServiceDefinition<S> {
  return definition;
}
