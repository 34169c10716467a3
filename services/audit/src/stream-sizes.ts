import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { STREAMS, type StreamDefinition } from '@stance/contracts';
import { observeGauge, type Logger } from '@stance/service-kit';

/** Between two looks at the streams, in milliseconds. */
const LOOK_EVERY_MS = 15_000;

interface Size {
  readonly bytes: number;
  /** 0 where there is none. */
  readonly limit: number;
}

/** Looks at how large the audited streams and the trail are: the service that reads all of them knows it best. */
export class StreamSizes {
  private readonly sizes = new Map<string, Size>();
  private timer: NodeJS.Timeout | undefined;
  private endObservations: readonly (() => void)[] = [];

  constructor(
    /** Where the facts are, and where the trail is. */
    private readonly connections: { readonly facts: NatsConnection; readonly trail: NatsConnection },
    private readonly logger: Logger,
  ) {}

  start(): void {
    const show = (name: string, description: string, read: (size: Size) => number) =>
      observeGauge({ meter: '@stance/audit', name, unit: 'By', description }, (tell) => {
        for (const [stream, size] of this.sizes) tell(read(size), { stream });
      });
    this.endObservations = [
      show('stance.stream.bytes', 'What a stream holds', ({ bytes }) => bytes),
      show('stance.stream.limit', 'What a stream may hold at most; 0: it has no limit', ({ limit }) => limit),
    ];
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    void this.look();
  }

  stop(): void {
    clearInterval(this.timer);
    for (const end of this.endObservations) end();
  }

  private async look(): Promise<void> {
    const { facts, trail } = this.connections;
    const streams: readonly StreamDefinition[] = Object.values(STREAMS);
    await Promise.all([
      ...streams.filter(({ audited }) => audited).map(({ name }) => this.lookAt(facts, name)),
      this.lookAt(trail, STREAMS.AUDIT.name),
    ]);
  }

  /** Of a stream that cannot be looked at nothing is shown, until it can. */
  private async lookAt(connection: NatsConnection, stream: string): Promise<void> {
    try {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      const { state, config } = await manager.streams.info(stream);
      const limit =
        config.max_bytes > 0 || stream !== STREAMS.AUDIT.name ? config.max_bytes : await limitOfAccount(manager);
      this.sizes.set(stream, { bytes: state.bytes, limit: Math.max(0, limit) });
    } catch (error) {
      if (this.sizes.delete(stream) && !connection.isClosed()) {
        this.logger.warn({ stream, err: error }, 'the size of a stream cannot be looked at');
      }
    }
  }
}

/** The trail has an account of its own where accounts are set up: what that may store is the limit of the trail. */
async function limitOfAccount(manager: JetStreamManager): Promise<number> {
  return (await manager.getAccountInfo()).limits.max_storage;
}
