import type { NatsConnection } from '@nats-io/transport-node';
import {
  DecisionChanged,
  EngineReported,
  SessionRevoked,
  type Cause,
  type DataOf,
  type ResourceDecision,
} from '@stance/contracts';
import { EventPublisher } from '@stance/jetstream';
import { PATIENCE_MS } from '@stance/testing';

export const ALLOW: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
export const DENY: ResourceDecision = {
  effect: 'deny',
  enforced: true,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
};

const REPORT_EVERY_MS = 100;

/** The policy engine as a gateway hears it, with every revision in the test's hands. */
export class PlayedEngine {
  private readonly publisher: EventPublisher;
  private reporting: NodeJS.Timeout | undefined;
  private decidedUpTo = 0;
  private events = 0;

  constructor(connection: NatsConnection) {
    this.publisher = new EventPublisher(connection, 'policy-engine', { timeoutMs: PATIENCE_MS });
  }

  /** About the resource `wiki`, at posture and policy 1 unless said otherwise. */
  async decide(
    deviceId: string,
    wiki: ResourceDecision,
    overrides: Partial<DataOf<typeof DecisionChanged>> = {},
    cause: Cause = {},
  ): Promise<void> {
    const data = {
      gateway: 'edge',
      deviceId,
      resources: { wiki },
      postureRevision: 1,
      policyRevision: 1,
      decidedAt: new Date().toISOString(),
      reviewAt: null,
      ...overrides,
    };
    const { sequence } = await this.publisher.publish(DecisionChanged, data, { id: this.nextId(), cause });
    this.decidedUpTo = sequence;
  }

  async revoke(
    deviceId: string,
    sessionId: string,
    revisions: { posture: number; policy: number },
    cause: Cause = {},
  ): Promise<void> {
    const data = {
      gateway: 'edge',
      deviceId,
      sessionId,
      resource: 'wiki',
      reasons: DENY.reasons,
      postureRevision: revisions.posture,
      policyRevision: revisions.policy,
      revokedAt: new Date().toISOString(),
    };
    await this.publisher.publish(SessionRevoked, data, { id: this.nextId(), cause });
  }

  /** Says from now on that it is alive, and up to where it has decided. */
  startReporting(): void {
    this.reporting ??= setInterval(() => this.report(), REPORT_EVERY_MS);
  }

  stopReporting(): void {
    clearInterval(this.reporting);
    this.reporting = undefined;
  }

  /** The decision stream is a new one: nothing is decided yet. */
  startOver(): void {
    this.decidedUpTo = 0;
  }

  private report(): void {
    const { decidedUpTo } = this;
    const reportedAt = new Date().toISOString();
    const data = { gateway: 'edge', policyRevision: 1, lag: 0, evaluatedUpTo: 0, decidedUpTo, reportedAt };
    this.publisher.announce(EngineReported, data, this.nextId());
  }

  private nextId(): string {
    this.events += 1;
    return `policy-engine:played:${this.events}`;
  }
}
