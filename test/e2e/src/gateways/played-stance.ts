import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  DecisionChanged,
  EngineReported,
  SessionRevoked,
  SessionStarted,
  type ResourceDecision,
} from '@stance/contracts';
import { applyTopology, EventPublisher, FactTable } from '@stance/jetstream';
import {
  adapt,
  ServiceProcess,
  startTestNats,
  temporaryFolder,
  waitFor,
  type TemporaryFolder,
  type TestNats,
  PATIENCE_MS,
} from '@stance/testing';

export const ALLOW: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
export const DENY: ResourceDecision = {
  effect: 'deny',
  enforced: true,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
};

export const WARN: ResourceDecision = {
  effect: 'warn',
  enforced: true,
  reasons: [{ code: 'condition-false', message: 'This agent is old.' }],
  until: '2100-01-01T00:00:00.000Z',
};

export interface PlayedStanceOptions {
  /** The gateway file, with what is in it when it is deployed. */
  readonly gatewayFile: string;
  /** What of it is different here. */
  readonly replacements: Readonly<Record<string, string>>;
  /** The CA of the devices, PEM: `device-ca.pem` beside the gateway file. */
  readonly deviceCa: string;
}

/** The gateway service as a process of its own on a real nats-server; the test plays the policy engine. */
export class PlayedStance {
  private readonly decided = new Map<string, Record<string, ResourceDecision>>();
  private process: ServiceProcess | undefined;
  private decidedUpTo = 0;
  private revision = 0;
  private events = 0;

  private constructor(
    private readonly nats: TestNats,
    private readonly connection: NatsConnection,
    private readonly engine: EventPublisher,
    private readonly folder: TemporaryFolder,
  ) {}

  /** With decisions for each device; resolves when the gateway trusts them. */
  static async start(
    { gatewayFile, replacements, deviceCa }: PlayedStanceOptions,
    decisions: Readonly<Record<string, Record<string, ResourceDecision>>>,
  ): Promise<PlayedStance> {
    const nats = await startTestNats();
    const connection = await nats.connect();
    await applyTopology(connection);
    const folder = await temporaryFolder();
    await writeFile(join(folder.path, 'device-ca.pem'), deviceCa);
    await writeFile(join(folder.path, 'gateway.yaml'), adapt(gatewayFile, replacements));
    const stance = new PlayedStance(
      nats,
      connection,
      new EventPublisher(connection, 'policy-engine', { timeoutMs: PATIENCE_MS }),
      folder,
    );
    for (const [deviceId, resources] of Object.entries(decisions)) await stance.decide(deviceId, resources);
    await stance.run();
    return stance;
  }

  /** Starts the gateway and waits until it is sure of its decisions. */
  async run(): Promise<void> {
    const gateway = ServiceProcess.start('gateway', {
      NATS_URL: this.nats.url,
      STANCE_GATEWAY_FILE: join(this.folder.path, 'gateway.yaml'),
    });
    this.process = gateway;
    await gateway.reached('active');
    const isReady = async () => {
      this.report();
      return gateway.url !== undefined && (await fetch(`${gateway.url}/readyz`)).ok;
    };
    await waitFor(isReady, { what: 'the gateway to have heard the engine' });
  }

  /** What the gateway logged. */
  get log(): string {
    return JSON.stringify(this.process?.lines.slice(-20), undefined, 1);
  }

  async kill(): Promise<void> {
    await this.process?.kill();
  }

  /** Its connections stay open and nothing answers, until {@link resume}. */
  pause(): void {
    process.kill(this.process?.pid ?? 0, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.process?.pid ?? 0, 'SIGCONT');
  }

  async decide(deviceId: string, resources: Record<string, ResourceDecision>): Promise<void> {
    this.revision += 1;
    this.decided.set(deviceId, resources);
    const { sequence } = await this.engine.publish(
      DecisionChanged,
      {
        gateway: 'edge',
        deviceId,
        resources,
        postureRevision: this.revision,
        policyRevision: 1,
        decidedAt: new Date().toISOString(),
        reviewAt: null,
      },
      { id: this.nextId(), cause: {} },
    );
    this.decidedUpTo = sequence;
  }

  /** As the engine does when a device is infected: the decision, then a revocation of each open session. */
  async revoke(deviceId: string, resource: string): Promise<void> {
    const sessionIds = await waitFor(
      async () => {
        const open = await this.sessionsOf(deviceId, resource);
        return open.length > 0 && open;
      },
      { what: `a session of ${deviceId}` },
    );
    await this.decide(deviceId, { ...this.decided.get(deviceId), [resource]: DENY });
    for (const sessionId of sessionIds) {
      await this.engine.publish(
        SessionRevoked,
        {
          gateway: 'edge',
          deviceId,
          sessionId,
          resource,
          reasons: DENY.reasons,
          postureRevision: this.revision,
          policyRevision: 1,
          revokedAt: new Date().toISOString(),
        },
        { id: this.nextId(), cause: {} },
      );
    }
  }

  async close(): Promise<void> {
    await this.process?.stop();
    await this.nats.close();
    await this.folder.remove();
  }

  private async sessionsOf(deviceId: string, resource: string): Promise<string[]> {
    const table = new FactTable(this.connection, this.engine, SessionStarted, {
      keep: ({ data }) => (data.deviceId === deviceId && data.resource === resource ? data.sessionId : undefined),
      only: { gateway: 'edge' },
    });
    await table.load();
    await table.stopFollowing();
    return [...table.values()].filter((sessionId) => sessionId !== undefined);
  }

  private report(): void {
    const data = { gateway: 'edge', policyRevision: 1, lag: 0, evaluatedUpTo: 0, reportedAt: new Date().toISOString() };
    this.engine.announce(EngineReported, { ...data, decidedUpTo: this.decidedUpTo }, this.nextId());
  }

  private nextId(): string {
    this.events += 1;
    return `policy-engine:played:${this.events}`;
  }
}
