import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  AgentObserved,
  AuditRecorded,
  SessionRevoked,
  STREAMS,
  VerifyAudit,
  type StreamDefinition,
} from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { PATIENCE_MS, waitFor } from '@stance/testing';

import { auditedUpTo, factsOf, settled } from './facts.js';
import { machines, Stack } from './stack.js';
import { WatchedGateway } from './watched-gateway.js';

/** Twice per session: infected and clean. */
const CHANGES = 1_000;
const DEVICE = 'd0';
/** From the observation to the cut, which takes milliseconds. */
const LATE_MS = 2_000;
/** A machine under load may stand still for as long once in a while; waiting for audit would be late every time. */
const MOST_LATE = 5;
/** However late. */
const LATEST_MS = 10_000;

const AUDITED: readonly StreamDefinition[] = Object.values(STREAMS).filter(({ audited }: StreamDefinition) => audited);

let stack: Stack;
let gateway: WatchedGateway;

beforeAll(async () => {
  stack = await Stack.start({ fleet: machines(2) });
  await stack.run(['policy-engine', 'posture-store', 'device-matcher', 'audit']);
  await stack.publishPolicy();
  await stack.enroll(2);
  await observe(0, false, 'd1');
  await observe(0, false);
  gateway = await WatchedGateway.connect(stack);
}, 120_000);

afterAll(async () => {
  await gateway?.close();
  await stack?.close();
});

/** Tells of a device's agent what a poller would; changes come faster here than any console is asked. */
async function observe(change: number, infected: boolean, deviceId = DEVICE): Promise<void> {
  const observedAt = new Date().toISOString();
  await stack.publisher('sentinelone-poller').publish(
    AgentObserved,
    {
      source: 'sentinelone',
      agentId: `agent-${deviceId}`,
      presence: 'present',
      hardware: { serialNumber: `SER-${deviceId.slice(1)}` },
      attributes: { 'sentinelOne:isActive': true, 'sentinelOne:infected': infected },
      observedAt,
    },
    { id: `e2e:${deviceId}:${change}`, cause: { txn: `change-${change}`, observedat: observedAt } },
  );
}

interface Range {
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

/** The sequences from `after` on that a stream has given out and does not keep any more. */
async function goneFrom(stream: string, after: number): Promise<Range[]> {
  const { state } = await stack.manager.streams.info(stream, { deleted_details: true });
  const inside = new Set(state.deleted ?? []);
  const ranges: { stream: string; first: number; last: number }[] = [];
  for (let sequence = after + 1; sequence <= state.last_seq; sequence += 1) {
    if (sequence >= state.first_seq && !inside.has(sequence)) continue;
    const open = ranges.at(-1);
    if (open?.last === sequence - 1) open.last = sequence;
    else ranges.push({ stream, first: sequence, last: sequence });
  }
  return ranges;
}

test('with audit stopped, 1,000 changes of one device revoke every session, all but five within 2 s and none after 10; then audit tells what it missed', async () => {
  await settled(stack);
  await stack.active('audit').stop();

  let late = 0;
  for (let change = 1; change <= CHANGES; change += 2) {
    await gateway.allows(DEVICE, 'payroll');
    const { sessionId } = gateway.gateway.startSession({ deviceId: DEVICE, resource: 'payroll', enforcement: 'cut' });
    await observe(change, true);
    const observedAt = performance.now();
    await waitFor(() => gateway.cuts.get(sessionId), {
      what: `the revocation of change ${change}`,
      intervalMs: 1,
      timeoutMs: LATEST_MS,
    });
    if (performance.now() - observedAt > LATE_MS) late += 1;
    await observe(change + 1, false);
  }
  expect(late).toBeLessThanOrEqual(MOST_LATE);
  await gateway.allows(DEVICE, 'payroll');
  await gateway.gateway.flushed();
  expect([...gateway.cuts.values()]).toEqual(Array.from({ length: CHANGES / 2 }, () => 1));
  const orders = await waitFor(
    async () => {
      const revoked = await factsOf(stack, SessionRevoked);
      return revoked.length >= gateway.cuts.size && revoked;
    },
    { what: 'the orders to revoke' },
  );
  expect(new Set(orders.map(({ data }) => data.sessionId))).toEqual(new Set(gateway.cuts.keys()));

  const auditedBefore = await Promise.all(AUDITED.map(({ name }) => auditedUpTo(stack, name)));
  const gone = (await Promise.all(AUDITED.map(({ name }, index) => goneFrom(name, auditedBefore[index] ?? 0)))).flat();
  // What the spec is about: more than a stream keeps of one device.
  expect(gone.filter(({ stream }) => stream === STREAMS.POSTURE.name)).not.toEqual([]);

  await stack.run(['audit']);
  await settled(stack);
  const gaps = (await factsOf(stack, AuditRecorded)).map(({ data }) => data).filter(({ kind }) => kind === 'gap');
  const recorded = gaps.map(({ stream, sequence, lastMissing }) => ({ stream, first: sequence, last: lastMissing }));
  const inOrder = (ranges: readonly { stream: string; first: number }[]) =>
    ranges.toSorted((a, b) => a.stream.localeCompare(b.stream) || a.first - b.first);
  expect(inOrder(recorded)).toEqual(inOrder(gone));
  await expect(ask(stack.connection, VerifyAudit, {}, { timeoutMs: PATIENCE_MS })).resolves.toMatchObject({
    intact: true,
    gaps: gone.length,
  });
}, 120_000);
