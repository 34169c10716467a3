import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { DecisionChanged, PolicyPublished, PostureChanged, type DataOf, type EventOf } from '@stance/contracts';
import { EventPublisher } from '@stance/jetstream';
import { waitFor } from '@stance/testing';
import { residentMiB, startBench, startServices } from './pipeline.js';
import { distributionOf, type Distribution } from './statistics.js';

export interface FleetReviewFigures {
  readonly devices: number;
  /** From publishing a policy that changes every decision until the last of them is stored. */
  readonly seconds: number;
  /** From publishing a posture until its decision is stored, in milliseconds: alone, and while the fleet is reviewed. */
  readonly alone: Distribution;
  readonly during: Distribution;
  readonly engineMiB: number;
}

const RULES = 20;

/** Twenty rules for as many resources; every device is denied one more or one less of them from one to the other. */
function policy(version: string): string {
  const names = Array.from({ length: RULES }, (_, index) => `r${index}`);
  return [
    'version: 1',
    'postures:',
    `  healthy: ['sentinelOne:infected == false', 'sentinelOne:isActive == true', "sentinelOne:agentVersion >= '23.1'"]`,
    `  current: ["sentinelOne:agentVersion >= '${version}'"]`,
    `gateways: { edge: { resources: [${names.join(', ')}] } }`,
    'rules:',
    ...names.map((name, index) => {
      const required = index === 0 ? '[healthy, current]' : '[healthy]';
      return `  - { name: rule ${index}, resources: [${name}], require: ${required} }`;
    }),
  ].join('\n');
}

function postureOf(index: number, revision: number): DataOf<typeof PostureChanged> {
  const observedAt = new Date().toISOString();
  const agent = 0;
  return {
    deviceId: `d${index}`,
    revision,
    device: { state: 'enrolled', groups: [], tags: [] },
    agents: [{ source: 'bench', agentId: `a${index}`, by: 'serial', observedAt }],
    attributes: {
      // Every other revision is infected, so that each posture changes its decision.
      'sentinelOne:infected': { value: revision % 2 === 0, agent },
      'sentinelOne:isActive': { value: true, agent },
      'sentinelOne:agentVersion': { value: '24.1.3', agent },
    },
    changed: [],
    problems: [],
  };
}

/** Decides about a fleet anew after a policy change, while postures change at a steady rate. */
export async function measureFleetReview(options: {
  readonly devices: number;
  readonly perSecond: number;
  readonly aloneSeconds: number;
}): Promise<FleetReviewFigures> {
  const { devices, perSecond, aloneSeconds } = options;
  const bench = await startBench(1);
  try {
    await startServices(bench, ['policy-engine'], { LOG_LEVEL: 'info' });
    const fleet = new Fleet(bench.connection, devices);
    await publishPolicy(bench.connection, 1, policy('23.1'));
    await fleet.publishAll();
    await fleet.decidedBy(1);
    // Cold code first, as with every other figure.
    await fleet.change({ perSecond, while: elapsed(2) });
    const alone = await fleet.change({ perSecond, while: elapsed(aloneSeconds) });
    const startedAt = performance.now();
    fleet.expect(2);
    await publishPolicy(bench.connection, 2, policy('25.1'));
    const during = await fleet.change({ perSecond, while: () => fleet.decided < devices });
    const seconds = ((await fleet.decidedBy(2)) - startedAt) / 1_000;
    const engine = bench.services.get('policy-engine')?.pid;
    const engineMiB = engine === undefined ? Number.NaN : await residentMiB(engine);
    return { devices, seconds, alone: distributionOf(alone), during: distributionOf(during), engineMiB };
  } finally {
    await bench.close();
  }
}

function elapsed(seconds: number): () => boolean {
  const until = performance.now() + seconds * 1_000;
  return () => performance.now() < until;
}

async function publishPolicy(connection: NatsConnection, revision: number, document: string): Promise<void> {
  const sha256 = createHash('sha256').update(document).digest('hex');
  const data = { revision, document, sha256, publishedBy: 'bench' };
  await new EventPublisher(connection, 'cli').publish(PolicyPublished, data, {
    id: `bench:policy:${revision}`,
    cause: {},
  });
}

/** The devices of the bench, and what has been decided about each. */
class Fleet {
  private readonly publisher: EventPublisher;
  private readonly revisions: number[];
  private readonly awaited = new Map<string, (at: number) => void>();
  private readonly decidedDevices = new Set<string>();
  private policyRevision = 1;
  private lastAt = 0;
  private next = 0;

  constructor(
    connection: NatsConnection,
    private readonly devices: number,
  ) {
    this.publisher = new EventPublisher(connection, 'posture-store');
    this.revisions = Array.from({ length: devices }, () => 1);
    connection.subscribe(`${DecisionChanged.subjectPrefix}.>`, {
      // Read as plain JSON: the engine shares these cores, and what it publishes has been checked.
      callback: (_error, message) => this.take(message.json<EventOf<typeof DecisionChanged>>().data),
    });
  }

  /** Devices that the newest policy has decided about. */
  get decided(): number {
    return this.decidedDevices.size;
  }

  /** From here on, decisions by this revision count. */
  expect(revision: number): void {
    if (revision === this.policyRevision) return;
    this.policyRevision = revision;
    this.decidedDevices.clear();
  }

  async publishAll(): Promise<void> {
    for (let at = 0; at < this.devices; at += 1_000) {
      const some = Array.from({ length: Math.min(1_000, this.devices - at) }, (_, index) => this.publish(at + index));
      await Promise.all(some);
    }
  }

  /** Resolves to when the last device was decided about by a revision. */
  async decidedBy(revision: number): Promise<number> {
    this.expect(revision);
    const what = `${this.devices} devices to be decided about by revision ${revision}`;
    await waitFor(() => this.decided === this.devices, { what, timeoutMs: 240_000, intervalMs: 20 });
    return this.lastAt;
  }

  /** Changes one device after the other at a steady rate; resolves to how long each decision took, in milliseconds. */
  async change(options: { readonly perSecond: number; readonly while: () => boolean }): Promise<number[]> {
    const took: number[] = [];
    const startedAt = performance.now();
    for (let count = 0; options.while(); count += 1) {
      const due = startedAt + (count * 1_000) / options.perSecond;
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      const index = this.next++ % this.devices;
      this.revisions[index] = (this.revisions[index] ?? 1) + 1;
      const publishedAt = performance.now();
      this.awaited.set(`d${index} ${this.revisions[index]}`, (at) => void took.push(at - publishedAt));
      void this.publish(index);
    }
    await waitFor(() => this.awaited.size === 0, { what: 'every change to be decided about', timeoutMs: 60_000 });
    return took;
  }

  private async publish(index: number): Promise<void> {
    const posture = postureOf(index, this.revisions[index] ?? 1);
    const id = `bench:posture:${index}:${posture.revision}`;
    await this.publisher.publish(PostureChanged, posture, { id, cause: {} });
  }

  private take({ deviceId, postureRevision, policyRevision }: DataOf<typeof DecisionChanged>): void {
    const now = performance.now();
    if (policyRevision === this.policyRevision && !this.decidedDevices.has(deviceId)) {
      this.decidedDevices.add(deviceId);
      this.lastAt = now;
    }
    const key = `${deviceId} ${postureRevision}`;
    this.awaited.get(key)?.(now);
    this.awaited.delete(key);
  }
}
