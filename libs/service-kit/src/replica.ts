import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  checkTopology,
  connectToNats,
  EventPublisher,
  exposesCredentials,
  JetStreamStrategy,
  Lease,
  PassErrorsThrough,
  StreamWatch,
  withoutPasswords,
} from '@stance/jetstream';
import { streamsOf } from '@stance/contracts';
import type { ConfigurationOf, Settings } from './configuration.js';
import { observerOf } from './consume-observer.js';
import { ConsumerLag } from './consumer-lag.js';
import { formatDuration } from './duration.js';
import type { Health } from './health-server.js';
import { observeLease } from './lease-metrics.js';
import type { Logger } from './log.js';
import { NestLogger } from './nest-logger.js';
import { isMissingStream, isOutage } from './outage.js';
import type { ServiceDefinition, ServiceParts } from './service.js';
import type { COMMON_SETTINGS } from './settings.js';

export type ServiceState = 'connecting' | 'loading' | 'standby' | 'active' | 'stopping' | 'stopped' | 'failed';

/** Thrown when a service was told to stop and did not finish by its deadline, `STANCE_SHUTDOWN_DEADLINE` and a little more. */
export class StopTimedOut extends Error {
  override readonly name = 'StopTimedOut';
}

/** Between two attempts while NATS does not answer. */
const RETRY_MS = 500;
/** What closing connections may take once the work under way is done. */
const CLOSING_MS = 2_000;

export type CommonConfiguration = ConfigurationOf<typeof COMMON_SETTINGS>;

/**
 * One replica of a service: connects, stays warm, becomes active with the lease, starts anew when it loses it or when one of
 * its streams is not the one that it was.
 */
export class Replica<S extends Settings> {
  state: ServiceState = 'connecting';
  readonly active: Promise<void>;
  readonly stopped: Promise<void>;
  private readonly stopping = new AbortController();
  private parts: ServiceParts | undefined;
  /** Why a standby cannot even ask for its lease; it would stand by for ever. */
  private leaseTrouble: string | undefined;
  /** What is known of the streams from the stretch of activity before. */
  private watch: StreamWatch | undefined;
  /** Whether a stream turned out to be another one under this replica. */
  private startedOver = false;
  /** Whether the streams are known to be as the contracts say. */
  private checked = false;
  private becameActive: () => void = () => undefined;
  private neverActive: (error: Error) => void = () => undefined;
  private finish: (error?: Error) => void = () => undefined;

  constructor(
    private readonly definition: ServiceDefinition<S>,
    private readonly config: ConfigurationOf<S>,
    private readonly common: CommonConfiguration,
    private readonly logger: Logger,
  ) {
    this.active = new Promise((resolve, reject) => {
      this.becameActive = resolve;
      this.neverActive = reject;
    });
    this.stopped = new Promise((resolve, reject) => {
      this.finish = (error) => (error === undefined ? resolve() : reject(error));
    });
    // Whoever does not wait for one of them learns from the other.
    this.active.catch(() => undefined);
    this.stopped.catch(() => undefined);
  }

  start(): void {
    void this.liveAndFinish();
  }

  private async liveAndFinish(): Promise<void> {
    try {
      await this.live();
      if (this.state === 'failed') return;
      this.state = 'stopped';
      this.neverActive(new Error(`${this.definition.name} was stopped before it was active`));
      this.finish();
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private fail(failure: Error): void {
    this.state = 'failed';
    this.neverActive(failure);
    this.finish(failure);
  }

  stop(): void {
    if (this.state === 'stopped' || this.state === 'failed' || this.stopping.signal.aborted) return;
    this.state = 'stopping';
    this.stopping.abort();
    const limitMs = this.common.STANCE_SHUTDOWN_DEADLINE + CLOSING_MS;
    const deadline = setTimeout(
      () => this.fail(new StopTimedOut(`${this.definition.name} did not stop within ${formatDuration(limitMs)}`)),
      limitMs,
    );
    void this.stopped.catch(() => undefined).then(() => clearTimeout(deadline));
  }

  health(): Health {
    const own = this.parts?.health?.();
    const settled = this.state === 'active' || (this.state === 'standby' && this.leaseTrouble === undefined);
    const lease = this.leaseTrouble === undefined ? undefined : { lease: this.leaseTrouble };
    const details = own?.details ?? lease;
    return {
      ready: settled && (own?.ready ?? true),
      state: this.state,
      ...(details && { details: { ...details, ...lease } }),
    };
  }

  private async live(): Promise<void> {
    const connection = await this.connect();
    if (connection === undefined) return;
    try {
      while (!this.stopping.signal.aborted) {
        let failure: Error | undefined;
        try {
          if (!this.checked) await checkTopology(connection, { streams: streamsOf(this.definition.name) });
          this.checked = true;
          failure = await this.liveOnce(connection);
        } catch (error) {
          if (this.stopping.signal.aborted) return;
          // Streams that are made anew under a running service come one by one.
          const isIncomplete = this.startedOver && isMissingStream(error);
          if (!isOutage(error) && !isIncomplete) throw error;
          const waitsFor = isIncomplete ? 'not every stream is there yet' : 'NATS does not answer';
          this.logger.warn({ err: error }, `${waitsFor}, starting over`);
          await Promise.race([aborted(this.stopping.signal), sleep(RETRY_MS)]);
        }
        if (failure !== undefined) throw failure;
      }
    } finally {
      await closeConnection(connection);
    }
  }

  private get server() {
    const { NATS_URL, NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE } = this.common;
    return { url: NATS_URL, tls: { caFile: NATS_CA_FILE, certFile: NATS_CERT_FILE, keyFile: NATS_KEY_FILE } };
  }

  private async connect(): Promise<NatsConnection | undefined> {
    const { NATS_URL, NATS_CREDS_FILE, NATS_NKEY_SEED_FILE } = this.common;
    const options = { ...this.server, credsFile: NATS_CREDS_FILE, nkeySeedFile: NATS_NKEY_SEED_FILE };
    const address = withoutPasswords(NATS_URL);
    if (exposesCredentials(options)) {
      this.logger.warn(
        { address },
        'NATS_URL does not ask for TLS: whoever is on the way to the server can act as this user; write tls:// addresses',
      );
    }
    const connecting = connectToNats({ ...options, name: `stance-${this.definition.name}` });
    const waiting = setInterval(() => this.logger.warn(`no NATS server answers at ${address} yet`), 5_000);
    try {
      const connection = await Promise.race([connecting, aborted(this.stopping.signal)]);
      if (connection === undefined) void connecting.then((late) => late.close());
      return connection;
    } finally {
      clearInterval(waiting);
    }
  }

  /** From loading to the end of one stretch of activity; resolves to why the service ended itself, if it did. */
  private async liveOnce(connection: NatsConnection): Promise<Error | undefined> {
    const ended = new AbortController();
    const signal = AbortSignal.any([this.stopping.signal, ended.signal]);
    let failure: Error | undefined;
    const publisher = new EventPublisher(connection, this.definition.name);
    const observer = observerOf(this.definition.name, this.logger);
    const watch = new StreamWatch(connection, {
      before: this.watch,
      trouble: (message, error) => observer.trouble(message, error),
    });
    this.watch = watch;
    const strategy = new JetStreamStrategy({
      connection,
      publisher,
      observer,
      watch,
      drainMs: this.common.STANCE_SHUTDOWN_DEADLINE,
    });
    this.setState('loading');
    const parts = await this.definition.build({
      config: this.config,
      connection,
      server: this.server,
      publisher,
      logger: this.logger,
      fail: (error) => {
        failure = error;
        ended.abort();
      },
      standBy: (reason) => {
        this.logger.warn({ reason: reason.message }, 'another replica is active, starting over as a standby');
        ended.abort();
      },
    });
    this.parts = parts;
    const app = await NestFactory.createMicroservice(parts.module, {
      strategy,
      logger: new NestLogger(this.logger),
      abortOnError: false,
    });
    app.useGlobalFilters(new PassErrorsThrough());
    await app.listen();
    let lease: Lease | undefined;
    const leaseName = this.definition.lease?.(this.config);
    const endLeaseMetrics =
      leaseName === undefined ? undefined : observeLease(this.definition.name, leaseName, () => lease);
    const lag = new ConsumerLag(connection, this.definition.name, strategy.consumers, observer.trouble);
    try {
      const startedAt = performance.now();
      await watch.start([...strategy.streams, ...allTables(parts).flatMap(({ stream }) => stream ?? [])]);
      void this.endAtChange(watch, ended);
      await Promise.all(allTables(parts).map((table) => table.load(signal)));
      lease = await this.acquireLease(connection, signal);
      // What the holder before wrote last.
      if (lease !== undefined) await Promise.all(allTables(parts).map((table) => table.caughtUp(signal)));
      await this.activate(parts, strategy);
      lag.start();
      this.setState('active', { afterMs: Math.round(performance.now() - startedAt), epoch: lease?.epoch });
      this.becameActive();
      await Promise.race([aborted(signal), lost(lease, this.logger)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.parts = undefined;
      this.leaseTrouble = undefined;
      lag.stop();
      endLeaseMetrics?.();
      await runAll([
        // First of all no more messages: one taken now would be missing at whoever is active next.
        () => app.close(),
        async () => watch.stop(),
        async () => parts.deactivate?.(),
        ...allTables(parts).map((table) => () => table.stopFollowing()),
        async () => lease?.release(),
        async () => publisher.close(),
      ]);
    }
    return failure;
  }

  private async endAtChange(watch: StreamWatch, ended: AbortController): Promise<void> {
    const { stream, what } = await watch.changed;
    if (this.stopping.signal.aborted) return;
    this.startedOver = true;
    this.checked = false;
    // At once: what it holds is not what the streams say.
    this.state = 'loading';
    this.logger.warn({ stream }, `the stream ${stream} ${what}: starting over from what the streams hold now`);
    ended.abort();
  }

  /** Stands by until the lease is free; at once where the service has none. */
  private async acquireLease(connection: NatsConnection, signal: AbortSignal): Promise<Lease | undefined> {
    const name = this.definition.lease?.(this.config);
    if (name === undefined) return undefined;
    this.setState('standby');
    return Lease.acquire(connection, {
      name,
      holder: `${hostname()}:${process.pid}:${randomBytes(3).toString('hex')}`,
      signal,
      onTrouble: (trouble) => {
        this.leaseTrouble = trouble;
        if (trouble === undefined) this.logger.info('the lease can be asked for again');
        else this.logger.warn(trouble);
      },
    });
  }

  private async activate(parts: ServiceParts, strategy: JetStreamStrategy): Promise<void> {
    await Promise.all((parts.tables?.fed ?? []).map((table) => table.stopFollowing()));
    await strategy.start();
    await parts.activate?.();
  }

  private setState(state: ServiceState, details: Record<string, unknown> = {}): void {
    if (this.stopping.signal.aborted) return;
    this.state = state;
    this.logger.info(details, state);
  }
}

function allTables({ tables }: ServiceParts) {
  return [...(tables?.fed ?? []), ...(tables?.followed ?? [])];
}

/** Runs every step, also after one that failed; throws the first failure in the end. */
async function runAll(steps: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

async function lost(lease: Lease | undefined, logger: Logger): Promise<void> {
  if (lease === undefined) return new Promise(() => undefined);
  logger.warn({ reason: await lease.lost }, 'the lease is lost, starting over as a standby');
}

/** Drains what is still to be sent; a server that is gone does not hold up the shutdown. */
async function closeConnection(connection: NatsConnection): Promise<void> {
  if (connection.isClosed()) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, 1_000)));
  await Promise.race([connection.drain().catch(() => connection.close()), patience]);
  clearTimeout(timer);
  if (!connection.isClosed()) await connection.close();
}
