import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent, BreakGlassUsed, SessionEnded, STREAMS, subjectOf, wireStreamConfig } from '@stance/contracts';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { DENY, PlayedEngine, TIME } from './fixtures/played-engine.js';
import type { GatewayOptions } from './gateway-options.js';
import { connectGateway, type Gateway } from './gateway.js';

const WIKI = { deviceId: 'laptop-1', resource: 'wiki', user: 'anna@example.org', enforcement: 'cut' } as const;
const MINUTE = 60_000;

let nats: TestNats;
let connection: NatsConnection;
let engine: PlayedEngine;
let now: number;
let open: Gateway[];

beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.close());

beforeEach(async () => {
  now = Date.parse(TIME);
  open = [];
  connection = await nats.connect();
  engine = new PlayedEngine(connection);
  await engine.createStreams();
  await engine.decide();
});
afterEach(async () => {
  await Promise.all(open.map((gateway) => gateway.close()));
  await engine.deleteStreams();
  await connection.close();
});

/** A replica that shares its sessions, and takes 10 minutes without use for their end. */
async function replica(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await connectGateway({
    connection,
    gateway: 'edge',
    now: () => now,
    expireEveryMs: 10,
    oneSessionEach: true,
    maxIdleMs: 10 * MINUTE,
    ...options,
  });
  open.push(gateway);
  await waitFor(
    async () => {
      await engine.report();
      return gateway.health().trusted;
    },
    { what: 'the replica trusts the engine' },
  );
  return gateway;
}

async function endOf(sessionId: string) {
  const manager = await jetstreamManager(connection);
  const subject = subjectOf(SessionEnded, { gateway: 'edge', deviceId: 'laptop-1', sessionId });
  return waitFor(
    async () => {
      const message = await manager.streams.getMessage(STREAMS.SESSIONS.name, { last_by_subj: subject });
      return message === null ? undefined : decodeEvent(SessionEnded, message.data, subject).data;
    },
    { what: `session ${sessionId} is told to have ended` },
  );
}

const known = (gateway: Gateway, sessionId: string) =>
  waitFor(() => gateway.findSession(WIKI)?.sessionId === sessionId, { what: `${sessionId} is the session here` });

test('a session that nobody uses ends after the idle limit, as one at the end of its lifetime does', async () => {
  const onExpired = jest.fn<NonNullable<GatewayOptions['onExpired']>>();
  const gateway = await replica({ onExpired });
  const { sessionId } = gateway.startSession(WIKI);
  now += 9 * MINUTE;
  expect(gateway.useSession(WIKI)).toMatchObject({ sessionId });
  now += 9 * MINUTE;
  expect(gateway.findSession(WIKI)).toMatchObject({ sessionId });
  now += MINUTE;
  expect(await endOf(sessionId)).toMatchObject({ cause: 'expired' });
  expect(onExpired).toHaveBeenCalledTimes(1);
});

test('a session with a live connection is in use', async () => {
  const live = new Set<string>();
  const gateway = await replica({ live: { has: (id) => live.has(id), ids: () => live } });
  const { sessionId } = gateway.startSession(WIKI);
  live.add(sessionId);
  const other = gateway.startSession({ ...WIKI, user: 'bela@example.org' });
  now += 30 * MINUTE;
  await endOf(other.sessionId);
  expect(gateway.findSession(WIKI)).toMatchObject({ sessionId });
});

test('a connection that nothing allows any more is told, unless the renewal is only late', async () => {
  const onLapsed = jest.fn<NonNullable<GatewayOptions['onLapsed']>>();
  const live = new Set<string>();
  let looks = 0;
  const ids = () => {
    looks += 1;
    return live;
  };
  const gateway = await replica({ onLapsed, live: { has: (id) => live.has(id), ids } });
  const looked = () => {
    const before = looks;
    return waitFor(() => looks >= before + 2, { what: 'the gateway to look at what is live', intervalMs: 2 });
  };
  const reviewAt = new Date(now + MINUTE).toISOString();
  await engine.decide({ postureRevision: 2, reviewAt });
  await waitFor(() => gateway.decide(WIKI).revisions.posture === 2, { what: 'the lease is here' });
  const session = gateway.startSession(WIKI);
  live.add(session.sessionId);
  now += MINUTE;
  await looked();
  now += 9_999;
  await looked();
  await engine.decide({ postureRevision: 3, reviewAt: new Date(now + MINUTE).toISOString() });
  await waitFor(() => gateway.decide(WIKI).allowed, { what: 'the lease is renewed' });
  await looked();
  expect(onLapsed).not.toHaveBeenCalled();
  now += MINUTE;
  await looked();
  now += 10_000;
  await waitFor(() => onLapsed.mock.calls.length > 0, { what: 'the lapse is told' });
  expect(onLapsed).toHaveBeenCalledWith(session.sessionId, [expect.objectContaining({ code: 'decision-expired' })]);
  expect(gateway.findSession(WIKI)).toEqual(session);
});

test('what one replica sees in use, another does not end for idleness', async () => {
  // Real milliseconds count here: reports are sent by a timer.
  const [one, other] = [await replica({ maxIdleMs: 10 * MINUTE }), await replica({ maxIdleMs: 400 })];
  const { sessionId } = one.startSession(WIKI);
  await known(other, sessionId);
  const use = setInterval(() => other.useSession(WIKI), 5);
  const third = await replica({ maxIdleMs: 400 });
  await known(third, sessionId);
  for (let step = 0; step < 20; step += 1) {
    const reports = jest.fn<() => void>();
    const heard = connection.subscribe('stance.session.used.v1.edge', { max: 1, callback: reports });
    await waitFor(() => reports.mock.calls.length > 0, { what: 'the use is told' });
    await heard.closed;
    await connection.flush();
    now += 100;
  }
  clearInterval(use);
  expect(third.findSession(WIKI)).toMatchObject({ sessionId });
  now += 401;
  expect(await endOf(sessionId)).toMatchObject({ cause: 'expired' });
});

test('of two sessions that replicas open at the same moment the first stays, on both', async () => {
  const told: [string, string | undefined][] = [];
  const onEndedElsewhere: GatewayOptions['onEndedElsewhere'] = (session, successor) =>
    void told.push([session.sessionId, successor?.sessionId]);
  const [one, other] = [await replica({ onEndedElsewhere }), await replica({ onEndedElsewhere })];
  const first = one.startSession(WIKI);
  now += 1;
  const second = other.startSession(WIKI);
  await known(other, first.sessionId);
  await known(one, first.sessionId);
  expect(await endOf(second.sessionId)).toMatchObject({ cause: 'closed' });
  expect([one, other].map((gateway) => gateway.health().sessions)).toEqual([1, 1]);
  expect(told).toEqual([[second.sessionId, first.sessionId]]);
});

test('sessions of another user, resource or proof are others', async () => {
  const [one, other] = [await replica(), await replica()];
  const sessions = [
    one.startSession(WIKI),
    other.startSession({ ...WIKI, user: 'bela@example.org' }),
    one.startSession({ ...WIKI, proof: 'certificate' }),
  ];
  await waitFor(() => [one, other].every((gateway) => gateway.health().sessions === sessions.length), {
    what: 'all are known to both',
  });
  expect(one.findSession({ ...WIKI, proof: 'address' })).toEqual(sessions[0]);
  expect(other.findSession({ ...WIKI, proof: 'certificate' })).toEqual(sessions[2]);
});

test('a session that another replica closed is told to who may still carry it', async () => {
  const onEndedElsewhere = jest.fn<NonNullable<GatewayOptions['onEndedElsewhere']>>();
  const [one, other] = [await replica(), await replica({ onEndedElsewhere })];
  const session = one.startSession(WIKI);
  await known(other, session.sessionId);
  one.endSession(session.sessionId);
  await waitFor(() => onEndedElsewhere.mock.calls.length === 1, { what: 'the other replica is told' });
  expect(onEndedElsewhere).toHaveBeenCalledWith(session, undefined);
});

test('where each connection has a session of its own, nothing takes the place of one that was closed', async () => {
  const onEndedElsewhere = jest.fn<NonNullable<GatewayOptions['onEndedElsewhere']>>();
  const ownEach = { oneSessionEach: false };
  const [one, other] = [await replica(ownEach), await replica({ ...ownEach, onEndedElsewhere })];
  const closed = one.startSession(WIKI);
  one.startSession(WIKI);
  await waitFor(() => other.health().sessions === 2, { what: 'both are known' });
  one.endSession(closed.sessionId);
  await waitFor(() => onEndedElsewhere.mock.calls.length === 1, { what: 'the other replica is told' });
  expect(onEndedElsewhere).toHaveBeenCalledWith(closed, undefined);
});

test('a session that another replica uses is not ended by the one whose last connection was closed', async () => {
  const [one, other] = [await replica({ tellUseEveryMs: 10 }), await replica({ tellUseEveryMs: 10 })];
  const session = one.startSession(WIKI);
  await known(other, session.sessionId);
  const told = Promise.withResolvers<void>();
  connection.subscribe('stance.session.used.v1.edge', { max: 1, callback: () => told.resolve() });
  await connection.flush();
  const closedAt = now;
  now += 1;
  other.useSession(WIKI);
  await told.promise;
  await connection.flush();
  expect(one.endUnused(session.sessionId, closedAt)).toBe(false);
  expect(one.endUnused(session.sessionId, now)).toBe(true);
});

test('what another replica closed is taken up again for the rest of its time, also while its denial is held back', async () => {
  const [one, other] = [await replica(), await replica()];
  const session = one.startSession(WIKI);
  await known(other, session.sessionId);
  const heldUntil = new Date(now + 15 * MINUTE).toISOString();
  await engine.decide({ postureRevision: 2, wiki: { ...DENY, enforced: false, heldUntil } });
  await waitFor(() => other.decide(WIKI).revisions.posture === 2, { what: 'the hold is here' });
  one.endSession(session.sessionId);
  await waitFor(() => other.findSession(WIKI) === undefined, { what: 'the end is known' });
  expect(other.decide(WIKI).allowed).toBe(false);
  now += MINUTE;
  expect(other.reopenSession(session)).toMatchObject({ expiresAt: session.expiresAt, deviceId: 'laptop-1' });
  await engine.decide({ postureRevision: 3, wiki: DENY });
  await waitFor(() => other.findSession(WIKI) === undefined, { what: 'the denial is carried out' });
  expect(other.reopenSession(session)).toBeUndefined();
});

test('a live connection of a session that is not open is told: no revocation would find it', async () => {
  const onLapsed = jest.fn<NonNullable<GatewayOptions['onLapsed']>>();
  await replica({ onLapsed, lapseMs: 0, live: { has: () => true, ids: () => ['lost'] } });
  await waitFor(() => onLapsed.mock.calls.length > 0, { what: 'it is told' });
  expect(onLapsed).toHaveBeenCalledWith('lost', []);
});

test('the replica that cut a connection is the one that is recorded', async () => {
  const [idle, carrying] = [
    await replica({ onRevoked: () => 'next-request' }),
    await replica({ onRevoked: () => 'cut' }),
  ];
  const session = idle.startSession(WIKI);
  await known(carrying, session.sessionId);
  await engine.revoke(session);
  expect(await endOf(session.sessionId)).toMatchObject({ cause: 'revoked', enforcement: 'cut' });
  await Promise.all([idle.flushed(), carrying.flushed()]);
});

test('it is recorded also of a session that began with a request, where replicas tell of what they carry', async () => {
  const live = new Set<string>();
  const carrying = await replica({
    onRevoked: () => 'cut',
    live: { has: (id) => live.has(id), ids: () => live },
    tellUseEveryMs: 10,
  });
  const asked = await replica({ onRevoked: () => 'next-request', tellUseEveryMs: 1_000 });
  const session = asked.startSession({ ...WIKI, enforcement: 'next-request' });
  await known(carrying, session.sessionId);
  const told = Promise.withResolvers<void>();
  connection.subscribe('stance.session.used.v1.edge', { max: 1, callback: () => told.resolve() });
  live.add(session.sessionId);
  await told.promise;
  await connection.flush();
  await engine.revoke(session);
  expect(await endOf(session.sessionId)).toMatchObject({ cause: 'revoked', enforcement: 'cut' });
});

test('where no replica had a connection, the next request was refused, and that is recorded', async () => {
  const gateway = await replica({ onRevoked: () => 'next-request' });
  const session = gateway.startSession(WIKI);
  await engine.revoke(session);
  expect(await endOf(session.sessionId)).toMatchObject({ cause: 'revoked', enforcement: 'next-request' });
});

test('a use of break-glass is recorded', async () => {
  const manager = await jetstreamManager(connection);
  await manager.streams.add(wireStreamConfig(STREAMS.OPERATIONS));
  const gateway = await replica();
  const use = {
    gateway: 'edge',
    useId: 'wiki-1',
    deviceId: 'laptop-1',
    resource: 'wiki',
    proof: 'certificate',
    by: 'Anna',
    reason: 'outage',
    until: '2026-01-05T12:00:00.000Z',
    usedAt: '2026-01-05T10:00:00.000Z',
  } as const;
  expect(await gateway.recordBreakGlass(use)).toBe(true);
  const subject = subjectOf(BreakGlassUsed, use);
  const stored = await manager.streams.getMessage(STREAMS.OPERATIONS.name, { last_by_subj: subject });
  await manager.streams.delete(STREAMS.OPERATIONS.name);
  expect(decodeEvent(BreakGlassUsed, stored?.data ?? new Uint8Array(), subject).data).toEqual(use);
});
