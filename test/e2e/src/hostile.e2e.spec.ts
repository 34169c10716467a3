import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AgentMatched,
  AgentObserved,
  createEvent,
  DeadLettered,
  DeviceRecorded,
  PolicyPublished,
  PostureChanged,
  SessionStarted,
  subjectOf,
  TimerDue,
  VerifyAudit,
  type EventContract,
  type ServiceName,
} from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { waitFor, PATIENCE_MS } from '@stance/testing';

import { factsOf, settled } from './facts.js';
import { machines, PIPELINE, Stack } from './stack.js';
import { WatchedGateway } from './watched-gateway.js';

let stack: Stack;
let gateway: WatchedGateway;

beforeAll(async () => {
  stack = await Stack.start({ fleet: machines(2) });
  await stack.run(PIPELINE);
  await stack.publishPolicy();
  await stack.enroll(2);
  gateway = await WatchedGateway.connect(stack);
  await settled(stack);
}, 120_000);

afterAll(async () => {
  await gateway?.close();
  await stack?.close();
});

const NOW = '2026-01-01T00:00:00.000Z';

/** An event that a service consumes: who does, and data that would be right for a key. */
interface Consumed {
  readonly contract: EventContract;
  readonly by: readonly ServiceName[];
  readonly dataFor: (key: string) => Record<string, unknown>;
}

const CONSUMED: readonly Consumed[] = [
  {
    contract: AgentObserved,
    by: ['device-matcher'],
    dataFor: (agentId) => ({
      source: 'sentinelone',
      agentId,
      presence: 'present',
      hardware: { serialNumber: 'SER-1' },
      attributes: {},
      observedAt: NOW,
    }),
  },
  {
    contract: DeviceRecorded,
    by: ['device-matcher', 'posture-store'],
    dataFor: (deviceId) => ({ deviceId, state: 'enrolled', hardware: {}, groups: [], tags: [] }),
  },
  {
    contract: AgentMatched,
    by: ['posture-store'],
    dataFor: (agentId) => ({
      source: 'sentinelone',
      agentId,
      state: 'matched',
      device: 'd1',
      previousDevice: null,
      presence: 'present',
      attributes: {},
      observedAt: NOW,
    }),
  },
  {
    contract: PostureChanged,
    by: ['policy-engine'],
    dataFor: (deviceId) => ({
      deviceId,
      revision: 1,
      device: { state: 'enrolled', groups: [], tags: [] },
      agents: [],
      attributes: {},
      changed: [],
      problems: [],
    }),
  },
  {
    contract: SessionStarted,
    by: ['policy-engine'],
    dataFor: (deviceId) => ({
      gateway: 'edge',
      deviceId,
      sessionId: `session-of-${deviceId}`,
      resource: 'payroll',
      startedAt: NOW,
      expiresAt: '2099-01-01T00:00:00.000Z',
      enforcement: 'cut',
    }),
  },
  {
    contract: PolicyPublished,
    by: ['policy-engine'],
    dataFor: (comment) => ({
      revision: 99,
      document: 'version: 1',
      sha256: '0'.repeat(64),
      publishedBy: 'nobody',
      comment,
    }),
  },
  { contract: TimerDue, by: ['policy-engine'], dataFor: (deviceId) => ({ deviceId, dueAt: NOW }) },
];

interface Attack {
  readonly kind: string;
  /** The code of the dead letter that has to come of it. */
  readonly code: string;
  /** What is sent in place of a right event. */
  readonly payload: (event: Record<string, unknown>, contract: EventContract) => string | Uint8Array;
  readonly header?: string;
}

const json = (event: Record<string, unknown>, change: Record<string, unknown> = {}) =>
  JSON.stringify({ ...event, ...change });

const ATTACKS: readonly Attack[] = [
  { kind: 'malformed-json', code: 'malformed', payload: (event) => json(event).slice(0, -2) },
  { kind: 'empty', code: 'malformed', payload: () => '' },
  { kind: 'wrong-schema', code: 'malformed', payload: (event) => json(event, { data: { deviceId: 7 } }) },
  {
    kind: 'binary-garbage',
    code: 'malformed',
    payload: () => Uint8Array.from({ length: 4_096 }, (_, byte) => byte * 7),
  },
  { kind: 'wrong-type', code: 'misaddressed', payload: (event) => json(event, { type: 'dev.stance.other.event.v1' }) },
  {
    kind: 'of-somebody-else',
    code: 'misaddressed',
    // Without ids in its subject, only the envelope can name another entity.
    payload: (event, { keys }) => {
      const data = { ...(event['data'] as object), ...Object.fromEntries(keys.map((key) => [key, 'd0'])) };
      return json(event, { subject: 'd0', data });
    },
  },
  { kind: 'oversized', code: 'oversized', payload: (event) => json(event, { padding: 'x'.repeat(900 * 1_024) }) },
  { kind: 'copied-by-a-server', code: 'forbidden', payload: (event) => json(event), header: 'Nats-Stream' },
];

/** Sends an attack on the subject of an event that would be right; resolves to the dead letters that have to come of it. */
async function attack({ kind, code, payload, header }: Attack, { contract, by, dataFor }: Consumed): Promise<string[]> {
  const data = dataFor(`hostile-${kind}`);
  const event = createEvent(contract, {
    id: `e2e:${contract.name}:${kind}`,
    producer: 'config-sync',
    time: new Date(),
    data,
    cause: {},
  });
  const subject = subjectOf(contract, data as Record<string, string>);
  const forged = headers();
  if (header !== undefined) forged.set(header, 'ELSEWHERE');
  const { seq } = await stack.connection
    .request(subject, payload({ ...event }, contract), { headers: forged, timeout: PATIENCE_MS })
    .then((ack) => ack.json<{ seq: number }>());
  return by.map((service) => `${service} ${subject} ${seq} ${code}`);
}

test.each(CONSUMED.map((consumed) => [consumed.contract.name, consumed] as const))(
  'every hostile %s is dead-lettered with its reason by all who read it',
  async (_name, consumed) => {
    const expected = (await Promise.all(ATTACKS.map((one) => attack(one, consumed)))).flat().toSorted();
    const look = async () => {
      const letters = (await factsOf(stack, DeadLettered)).map(({ data }) => data);
      const ours = letters.filter(({ stream }) => stream === consumed.contract.stream?.name);
      const told = ours.map(
        ({ service, originalSubject, sequence, reason }) => `${service} ${originalSubject} ${sequence} ${reason.code}`,
      );
      const missing = expected.filter((letter) => !told.includes(letter));
      if (missing.length > 0) throw new Error(`no dead letter: ${missing.join('; ')}; there are ${told.join('; ')}`);
      return true;
    };
    await expect(waitFor(look, { what: 'the dead letters' })).resolves.toBe(true);
  },
);

describe('after all of that', () => {
  test('nothing else was dead-lettered, nothing is stuck and audit is intact', async () => {
    await settled(stack);
    const readers = CONSUMED.reduce((sum, { by }) => sum + by.length, 0);
    expect(await factsOf(stack, DeadLettered)).toHaveLength(readers * ATTACKS.length);
    await expect(ask(stack.connection, VerifyAudit, {})).resolves.toMatchObject({ intact: true, gaps: 0 });
  });

  test('a real change still revokes a session', async () => {
    const [session] = await gateway.openSessions(['d0'], 'payroll');
    stack.infect('d0');
    await expect(
      waitFor(() => gateway.cuts.get(session?.sessionId ?? ''), { what: 'the session to be revoked' }),
    ).resolves.toBe(1);
  });
});
