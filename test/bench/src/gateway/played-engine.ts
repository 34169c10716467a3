import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import {
  addressOf,
  createEvent,
  DecisionChanged,
  EngineReported,
  SessionRevoked,
  type DataOf,
  type EventContract,
  type ResourceDecision,
} from '@stance/contracts';
import { EventPublisher } from '@stance/jetstream';

export const GATEWAY = 'bench';

const ALLOW: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
const DENY: ResourceDecision = {
  effect: 'deny',
  enforced: true,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.', attribute: 'sentinelOne:infected' }],
};

/** Of the same width, so that requests and answers about any two devices have as many bytes. */
export const deviceId = (index: number): string => `device-${String(index).padStart(7, '0')}`;

/** The resources that every device is allowed. */
export const RESOURCES = ['wiki', 'git', 'payroll'] as const;

/** An event as it goes out: nothing is left to do but to send it. */
export interface Message {
  readonly subject: string;
  readonly payload: string;
  readonly headers: MsgHdrs;
}

/** The policy engine as a gateway sees it. */
export class PlayedEngine {
  private readonly publisher: EventPublisher;
  private readonly reporting: NodeJS.Timeout;
  private decidedUpTo = 0;
  private events = 0;

  constructor(private readonly connection: NatsConnection) {
    this.publisher = new EventPublisher(connection, 'policy-engine');
    this.reporting = setInterval(() => this.report(), 500);
  }

  /** Allows devices everything; resolves when all is stored. */
  async allow(devices: Iterable<string>): Promise<void> {
    const stored: Promise<void>[] = [];
    for (const device of devices) {
      const publishing = this.publisher.publish(DecisionChanged, decisionOf(device, ALLOW, 1), this.occasion());
      stored.push(publishing.then(({ sequence }) => this.reached(sequence)));
      // The confirmations of those before come in between.
      if (stored.length % 1_000 === 0) await Promise.all(stored.splice(0));
    }
    await Promise.all(stored);
  }

  /** A denial of everything, ready to be sent. */
  denial(device: string): Message {
    return this.messageOf(DecisionChanged, decisionOf(device, DENY, 2));
  }

  /** The revocation of a session, ready to be sent. */
  revocation(device: string, sessionId: string): Message {
    return this.messageOf(SessionRevoked, {
      gateway: GATEWAY,
      deviceId: device,
      sessionId,
      resource: RESOURCES[0],
      reasons: DENY.reasons,
      postureRevision: 2,
      policyRevision: 1,
      revokedAt: new Date().toISOString(),
    });
  }

  /** Sends at once, without waiting for the server's confirmation; a stream stores it. */
  send({ subject, payload, headers: all }: Message): void {
    this.connection.publish(subject, payload, { headers: all });
  }

  stop(): void {
    clearInterval(this.reporting);
  }

  private report(): void {
    const data = { gateway: GATEWAY, policyRevision: 1, lag: 0, evaluatedUpTo: 0, decidedUpTo: this.decidedUpTo };
    this.publisher.announce(EngineReported, { ...data, reportedAt: new Date().toISOString() }, this.occasion().id);
  }

  private reached(sequence: number): void {
    this.decidedUpTo = Math.max(this.decidedUpTo, sequence);
  }

  private messageOf<Contract extends EventContract>(contract: Contract, data: DataOf<Contract>): Message {
    const { id, cause } = this.occasion();
    const event = createEvent(contract, { id, producer: 'policy-engine', time: new Date(), data, cause });
    const all = headers();
    all.set('Nats-Msg-Id', id);
    return { subject: addressOf(contract, data), payload: JSON.stringify(event), headers: all };
  }

  private occasion() {
    this.events += 1;
    return { id: `policy-engine:bench:${this.events}`, cause: {} };
  }
}

function decisionOf(
  device: string,
  decision: ResourceDecision,
  postureRevision: number,
): DataOf<typeof DecisionChanged> {
  return {
    gateway: GATEWAY,
    deviceId: device,
    resources: Object.fromEntries(RESOURCES.map((resource) => [resource, decision])),
    postureRevision,
    policyRevision: 1,
    decidedAt: new Date().toISOString(),
    reviewAt: null,
  };
}
