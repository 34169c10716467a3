import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { ENGINE_REPORT_INTERVAL_SECONDS, EngineReported, PostureChanged, STREAMS } from '@stance/contracts';
import { durableOf, type EventPublisher } from '@stance/jetstream';
import type { Logger } from '@stance/service-kit';
import type { EngineProgress } from './engine-progress.js';
import type { PolicyLog } from './policy-log.js';

/** Tells every gateway, every few seconds, that the engine is alive and how far it has come. */
export class EngineReport {
  private timer: NodeJS.Timeout | undefined;
  private count = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly publisher: EventPublisher,
    private readonly policies: PolicyLog,
    private readonly progress: EngineProgress,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.report(), ENGINE_REPORT_INTERVAL_SECONDS * 1_000);
    void this.report();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Reports at once, besides the regular times: a gateway that a policy has just named need not wait. */
  async report(): Promise<void> {
    const policy = this.policies.active;
    // Silence is the honest report of an engine that cannot decide: gateways deny.
    if (policy !== undefined && !policy.ok) return;
    try {
      const lag = await this.lag();
      const gateways = new Set([...(policy?.compiled.gateways.keys() ?? []), ...this.progress.gateways]);
      for (const gateway of gateways) {
        this.count += 1;
        this.publisher.announce(
          EngineReported,
          {
            gateway,
            policyRevision: policy?.revision ?? 0,
            lag,
            evaluatedUpTo: this.progress.evaluatedUpTo,
            decidedUpTo: this.progress.decidedUpTo(gateway),
            reportedAt: new Date().toISOString(),
          },
          `policy-engine:report:${process.pid}:${this.count}`,
        );
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'cannot report to the gateways');
    }
  }

  private async lag(): Promise<number> {
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const durable = durableOf(this.publisher.service, PostureChanged);
    const { num_pending: pending, num_ack_pending: underWay } = await manager.consumers.info(
      STREAMS.POSTURE.name,
      durable,
    );
    return pending + underWay;
  }
}
