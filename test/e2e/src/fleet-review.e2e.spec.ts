import { createHash } from 'node:crypto';

import { afterEach, expect, test } from '@jest/globals';
import {
  DecisionChanged,
  PolicyPublished,
  PostureChanged,
  SessionRevoked,
  SessionStarted,
  STREAMS,
  type DataOf,
} from '@stance/contracts';
import { EventPublisher } from '@stance/jetstream';
import { startFaultProxy, waitFor, type FaultProxy, type ServiceProcess, PATIENCE_MS } from '@stance/testing';

import { factsOf, lastOf, settled } from './facts.js';
import { machines, Stack } from './stack.js';

const DEVICES = 1_500;
/** Decisions of the new policy that are stored when the engine is cut off and killed, and a few more. */
const UNDER_WAY = 50;

const policy = (wiki: string, payroll: string): string => `version: 1
postures:
  clean: ['sentinelOne:infected == false']
  current: ['sentinelOne:isUpToDate == true']
gateways:
  edge: { resources: [payroll, wiki] }
rules:
  - { name: reads the wiki, resources: [wiki], require: ${wiki} }
  - { name: reaches payroll, resources: [payroll], require: ${payroll} }
`;
const LENIENT = policy('[clean]', '[clean]');
const STRICT = policy('[clean, { posture: current, grace: 72h }]', '[clean, current]');

let stack: Stack | undefined;
let link: FaultProxy | undefined;

afterEach(async () => {
  await link?.close();
  await stack?.close();
  stack = undefined;
});

function postureOf(index: number): DataOf<typeof PostureChanged> {
  const observedAt = new Date().toISOString();
  const agent = 0;
  return {
    deviceId: `d${index}`,
    revision: index + 1,
    device: { state: 'enrolled', groups: [], tags: [] },
    agents: [{ source: 'e2e', agentId: `a${index}`, by: 'serial', observedAt }],
    attributes: {
      'sentinelOne:infected': { value: index % 3 === 0, agent },
      'sentinelOne:isUpToDate': { value: index % 3 === 1, agent },
    },
    changed: [],
    problems: [],
  };
}

async function publish(running: Stack, revision: number, document: string): Promise<void> {
  const sha256 = createHash('sha256').update(document).digest('hex');
  const data = { revision, document, sha256, publishedBy: 'e2e' };
  await running.publisher('cli').publish(PolicyPublished, data, { id: `e2e:policy:${revision}`, cause: {} });
}

/** A fleet under the lenient policy, with a session on payroll of every device that may reach it. */
async function fleetUnderLenientPolicy(
  linkTo: (url: string) => Promise<string> = (url) => Promise.resolve(url),
): Promise<{ running: Stack; engine: ServiceProcess }> {
  const running = await Stack.start({ fleet: machines(1) });
  stack = running;
  const [engine] = await running.run(['policy-engine'], { NATS_URL: await linkTo(running.nats.url) });
  await running.run(['audit']);
  if (engine === undefined) throw new Error('no engine was started');
  await publish(running, 1, LENIENT);
  const postures = new EventPublisher(running.connection, 'posture-store', { timeoutMs: PATIENCE_MS });
  const devices = Array.from({ length: DEVICES }, (_, index) => postureOf(index));
  await inTurn(devices, (posture) =>
    postures.publish(PostureChanged, posture, { id: `e2e:posture:${posture.deviceId}`, cause: {} }),
  );
  await decided(running, 1);
  const sessions = new EventPublisher(running.connection, 'gateway', { timeoutMs: PATIENCE_MS });
  const times = { startedAt: new Date().toISOString(), expiresAt: new Date(Date.now() + 3_600_000).toISOString() };
  const allowed = devices.filter((_, index) => index % 3 !== 0);
  await inTurn(allowed, ({ deviceId }) => {
    const session = { gateway: 'edge', deviceId, sessionId: `on-${deviceId}`, resource: 'payroll' };
    const data = { ...session, ...times, enforcement: 'cut' as const };
    return sessions.publish(SessionStarted, data, { id: `e2e:session:${deviceId}`, cause: {} });
  });
  await settled(running);
  return { running, engine };
}

/** A hundred at a time. */
async function inTurn<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += 100) await Promise.all(items.slice(at, at + 100).map(work));
}

async function decided(running: Stack, revision: number): Promise<void> {
  const look = async () => {
    const decisions = await lastOf(running, DecisionChanged);
    return decisions.length === DEVICES && decisions.every(({ policyRevision }) => policyRevision === revision);
  };
  await waitFor(look, { what: `all to be decided by revision ${revision}`, timeoutMs: 60_000, intervalMs: 200 });
}

/** What everybody may reach, and whose session is revoked. */
async function outcome(running: Stack) {
  await decided(running, 2);
  await settled(running);
  const decisions = await factsOf(running, DecisionChanged);
  const last = new Map(decisions.map((fact) => [fact.data.deviceId, fact.data]));
  const revoked = await factsOf(running, SessionRevoked);
  return {
    effects: Object.fromEntries(
      [...last].map(([deviceId, { resources }]) => [
        deviceId,
        Object.entries(resources).map(([name, { effect, reasons }]) => [name, effect, reasons.map(({ code }) => code)]),
      ]),
    ),
    revoked: new Set(revoked.map(({ data }) => data.sessionId)),
    revocations: revoked.length,
    /** Devices of which the new policy was decided more than once. */
    rewritten: decisions.filter(({ data }) => data.policyRevision === 2).length - DEVICES,
    underway: last,
  };
}

async function undisturbed() {
  const { running } = await fleetUnderLenientPolicy();
  await publish(running, 2, STRICT);
  const result = await outcome(running);
  await running.close();
  stack = undefined;
  return result;
}

test('an engine that is killed while it decides about the fleet anew ends with the decisions of an undisturbed one', async () => {
  const expected = await undisturbed();
  expect(expected.effects).toMatchObject({
    d0: [
      ['payroll', 'deny', ['condition-false', 'condition-false']],
      // It had no access to lose, so that there is no grace either.
      ['wiki', 'deny', ['condition-false', 'condition-false']],
    ],
    d1: [
      ['payroll', 'allow', []],
      ['wiki', 'allow', []],
    ],
    d2: [
      ['payroll', 'deny', ['condition-false']],
      ['wiki', 'warn', ['condition-false']],
    ],
  });
  expect(expected.revoked.size).toBe(DEVICES / 3);

  // Through this process: while it stands still, the engine does not get ahead of it.
  const { running, engine } = await fleetUnderLenientPolicy(async (target) => {
    link = await startFaultProxy({ target });
    return `nats://127.0.0.1:${link.port}`;
  });
  const before = await running.lastSequence(STREAMS.DECISIONS);
  let stored = 0;
  const underWay = Promise.withResolvers<void>();
  const subscription = running.connection.subscribe('stance.decision.changed.v1.>', {
    callback: () => {
      stored += 1;
      if (stored !== UNDER_WAY) return;
      link?.pause();
      underWay.resolve();
    },
  });
  await publish(running, 2, STRICT);
  await underWay.promise;
  await engine.kill();
  link?.cut();
  subscription.unsubscribe();
  const atDeath = (await running.lastSequence(STREAMS.DECISIONS)) - before;
  expect(atDeath).toBeGreaterThanOrEqual(UNDER_WAY);
  expect(atDeath).toBeLessThan(DEVICES);

  await running.run(['policy-engine']);
  const { underway: decisions, ...result } = await outcome(running);
  const { underway: _, ...wanted } = expected;
  expect(result).toEqual(wanted);
  // A grace that began before the death goes on: nobody gets another one by a restart.
  expect(decisions.get('d2')?.resources['wiki']?.graceSince).toBeDefined();
}, 180_000);
