import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import {
  createEvent,
  decodeEvent,
  DecisionChanged,
  SessionEnded,
  SessionStarted,
  STREAMS,
  subjectOf,
  type EventContract,
  type EventOf,
} from '@stance/contracts';
import { startFaultProxy, startTestNats, waitFor, type FaultProxy, type TestNats } from '@stance/testing';
import { ALLOW, decisionOf, DENY, PlayedEngine, TIME } from './fixtures/played-engine.js';
import type { GatewayOptions } from './gateway-options.js';
import { connectGateway, type Gateway } from './gateway.js';
import type { Enforced } from './reaction.js';
import { SessionDenied, SessionInvalid, TooManySessions, type Session } from './session.js';

const START = Date.parse(TIME);
const WIKI = { deviceId: 'laptop-1', resource: 'wiki' };
const CUT = { ...WIKI, user: 'anna@example.org', enforcement: 'cut' } as const;

type OnRevoked = NonNullable<GatewayOptions['onRevoked']>;

let nats: TestNats;
let connection: NatsConnection;
let engine: PlayedEngine;
let now: number;
let closing: (() => Promise<void>)[];

beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.close());

beforeEach(async () => {
  now = START;
  closing = [];
  connection = await nats.connect({ reconnectTimeWait: 20, maxReconnectAttempts: -1 });
  engine = new PlayedEngine(connection);
  await engine.createStreams();
});
afterEach(async () => {
  for (const close of closing.toReversed()) await close();
  await engine.deleteStreams();
  await connection.close();
});

async function connected(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await connectGateway({
    connection,
    gateway: 'edge',
    now: () => now,
    expireEveryMs: 10,
    lookEveryMs: 100,
    ...options,
  });
  closing.push(() => gateway.close());
  return gateway;
}

/** A gateway that has heard the engine. */
async function running(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await connected(options);
  await trusted(gateway);
  return gateway;
}

async function trusted(gateway: Gateway): Promise<void> {
  await waitFor(
    async () => {
      await engine.report();
      return gateway.health().trusted;
    },
    { what: 'the gateway trusts the engine' },
  );
}

async function allowed(gateway: Gateway, deviceId = 'laptop-1'): Promise<void> {
  await waitFor(() => gateway.decide({ ...WIKI, deviceId }).allowed, { what: 'the gateway allows' });
}

async function deniedBy(gateway: Gateway, code: string): Promise<void> {
  await waitFor(() => gateway.decide(WIKI).reasons[0]?.code === code, { what: `the gateway denies: ${code}` });
}

async function stored<Contract extends EventContract>(
  contract: Contract,
  { sessionId, deviceId }: Session,
): Promise<EventOf<Contract> | undefined> {
  const manager = await jetstreamManager(connection);
  const subject = subjectOf<EventContract>(contract, { gateway: 'edge', deviceId, sessionId });
  const message = await manager.streams.getMessage(STREAMS.SESSIONS.name, { last_by_subj: subject });
  return message === null ? undefined : decodeEvent(contract, message.data, subject);
}

const endedEvent = (session: Session) =>
  waitFor(() => stored(SessionEnded, session), { what: `session ${session.sessionId} is told to have ended` });

describe('gateway - decisions', () => {
  test('denies until the engine has been heard, then what is decided, live', async () => {
    await engine.decide();
    const gateway = await connected();
    expect(gateway.decide(WIKI)).toMatchObject({ allowed: false, reasons: [{ code: 'engine-silent' }] });
    await trusted(gateway);
    expect(gateway.decide(WIKI)).toMatchObject({
      effect: 'allow',
      allowed: true,
      revisions: { posture: 1, policy: 1 },
    });
    expect(gateway.decide({ ...WIKI, deviceId: 'laptop-2' }).reasons).toMatchObject([{ code: 'decision-missing' }]);
    await engine.decide({ postureRevision: 2, wiki: DENY });
    await deniedBy(gateway, 'condition-false');
  });

  test('hears nothing of other gateways', async () => {
    await engine.decide({ gateway: 'other' });
    const gateway = await running();
    expect(gateway.health()).toMatchObject({ decisions: 0, loaded: true, connected: true });
  });

  test('ignores a decision of older revisions, whenever it comes', async () => {
    const gateway = await running();
    await engine.decide({ postureRevision: 5, wiki: DENY });
    await engine.decide({ postureRevision: 4, wiki: ALLOW });
    await engine.decide({ deviceId: 'laptop-2' });
    await allowed(gateway, 'laptop-2');
    expect(gateway.decide(WIKI)).toMatchObject({ allowed: false, revisions: { posture: 5 } });
  });

  test('denies past the review time, until a newer decision comes', async () => {
    await engine.decide({ reviewAt: new Date(START + 60_000).toISOString() });
    const gateway = await running();
    expect(gateway.decide(WIKI).allowed).toBe(true);
    now += 60_000;
    await engine.report();
    await deniedBy(gateway, 'decision-expired');
    await engine.decide({ postureRevision: 2 });
    await allowed(gateway);
  });

  test('denies everything when the engine falls silent, and recovers with its next report', async () => {
    await engine.decide();
    const gateway = await running({ maxSilenceMs: 30_000 });
    now += 30_001;
    expect(gateway.decide(WIKI).reasons).toMatchObject([{ code: 'engine-silent' }]);
    await trusted(gateway);
    expect(gateway.decide(WIKI).allowed).toBe(true);
  });

  test('denies while the engine has decided what does not arrive', async () => {
    await engine.decide();
    const gateway = await running();
    await engine.report(engine.lastDecision + 100);
    now += 5_001;
    await waitFor(() => gateway.health().behind, { what: 'the gateway knows that it is behind' });
    expect(gateway.decide(WIKI).allowed).toBe(false);
  });

  test('trusts a report of decisions that were for another gateway', async () => {
    await engine.decide();
    const gateway = await running();
    await engine.decide({ gateway: 'other' });
    await engine.report();
    // Only a position that was confirmed keeps the trust over the time that a gateway may be behind.
    await waitFor(
      async () => {
        await engine.report();
        now += 6_000;
        return gateway.health().trusted;
      },
      { what: 'the position is confirmed' },
    );
    expect(gateway.decide(WIKI).allowed).toBe(true);
  });

  test('denies the device whose decision is unreadable, and only that one', async () => {
    await engine.decide();
    await engine.decide({ deviceId: 'laptop-2' });
    const onTrouble = jest.fn();
    const gateway = await running({ onTrouble });
    await engine.publishRaw('stance.decision.changed.v1.edge.laptop-1', '{"specversion":');
    await deniedBy(gateway, 'decision-missing');
    expect(gateway.decide({ ...WIKI, deviceId: 'laptop-2' }).allowed).toBe(true);
    expect(onTrouble).toHaveBeenCalled();
  });

  test('takes no decision that comes by way of another stream', async () => {
    await engine.decide({ wiki: DENY });
    const gateway = await running();
    const forged = decisionOf({ postureRevision: 2 });
    const event = { id: 'forged', producer: 'policy-engine', time: new Date(START), data: forged, cause: {} } as const;
    const relayed = headers();
    relayed.set('Nats-Stream', 'SOMEWHERE');
    await jetstream(connection).publish(
      'stance.decision.changed.v1.edge.laptop-1',
      JSON.stringify(createEvent(DecisionChanged, event)),
      { headers: relayed },
    );
    await engine.decide({ deviceId: 'laptop-2' });
    await allowed(gateway, 'laptop-2');
    expect(gateway.decide(WIKI).allowed).toBe(false);
  });

  test('empties its cache when the stream is recreated, and loads the new one', async () => {
    await engine.decide();
    await engine.decide({ deviceId: 'laptop-2' });
    const gateway = await running();
    const manager = await jetstreamManager(connection);
    const { config } = await manager.streams.info(STREAMS.DECISIONS.name);
    await manager.streams.delete(STREAMS.DECISIONS.name);
    await manager.streams.add(config);
    await engine.decide({ deviceId: 'laptop-2' });
    await waitFor(() => gateway.health().loaded && gateway.health().decisions === 1, { what: 'the cache is new' });
    await trusted(gateway);
    expect(gateway.decide(WIKI).reasons).toMatchObject([{ code: 'decision-missing' }]);
    expect(gateway.decide({ ...WIKI, deviceId: 'laptop-2' }).allowed).toBe(true);
  });
});

describe('gateway - sessions', () => {
  test('counts a session before it is stored, and tells the engine', async () => {
    await engine.decide();
    const gateway = await running();
    const session = gateway.startSession({ ...CUT, context: { address: '192.0.2.7' } });
    expect(gateway.findSession(CUT)).toBe(session);
    await gateway.flushed();
    expect(await stored(SessionStarted, session)).toMatchObject({
      source: '/stance/gateway',
      data: {
        ...CUT,
        sessionId: session.sessionId,
        startedAt: TIME,
        expiresAt: '2026-03-01T21:00:00.000Z',
        context: { address: '192.0.2.7' },
      },
    });
  });

  test('lets started and ended expire from the stream, an hour after the lifetime', async () => {
    await engine.decide();
    const gateway = await running();
    const session = gateway.startSession({ ...CUT, lifetimeMs: 60_000 });
    gateway.endSession(session.sessionId);
    await gateway.flushed();
    const manager = await jetstreamManager(connection);
    const ttls = [];
    for (const seq of [1, 2]) {
      const message = await manager.streams.getMessage(STREAMS.SESSIONS.name, { seq });
      ttls.push([message?.subject.split('.')[2], message?.header.get('Nats-TTL')]);
    }
    expect(ttls).toEqual([
      ['started', '3660s'],
      ['ended', '3660s'],
    ]);
    expect(await stored(SessionEnded, session)).toMatchObject({ data: { cause: 'closed' } });
  });

  test('opens none that is denied, malformed or too many', async () => {
    const gateway = await running({ maxSessions: 1 });
    expect(() => gateway.startSession(CUT)).toThrow(SessionDenied);
    await engine.decide();
    await allowed(gateway);
    expect(() => gateway.startSession({ ...CUT, lifetimeMs: 8 * 24 * 3_600_000 })).toThrow(SessionInvalid);
    gateway.startSession(CUT);
    expect(() => gateway.startSession(CUT)).toThrow(TooManySessions);
    expect(gateway.health().sessions).toBe(1);
  });

  test('while a denial is held back, goes on with the session of a user and opens none for anybody', async () => {
    await engine.decide();
    const gateway = await running();
    const session = gateway.startSession(CUT);
    const heldUntil = new Date(START + 900_000).toISOString();
    const wiki = { ...DENY, enforced: false, heldUntil, requiresOwner: 'anna@example.org' };
    await engine.decide({ postureRevision: 2, wiki });
    await waitFor(() => gateway.decide(CUT).effect === 'deny', { what: 'the denial that is held back' });
    expect(gateway.decide(CUT)).toMatchObject({ allowed: true, enforced: false });
    expect(gateway.findSession(CUT)).toBe(session);
    expect(() => gateway.startSession(CUT)).toThrow(SessionDenied);
    for (const other of [WIKI, { ...CUT, user: 'bela@example.org' }]) {
      expect(gateway.decide(other)).toMatchObject({ allowed: false, enforced: true });
      expect(() => gateway.startSession({ ...CUT, ...other, enforcement: 'cut' })).toThrow(SessionDenied);
    }
    gateway.endSession(session.sessionId);
    expect(gateway.decide(CUT)).toMatchObject({ allowed: false, reasons: [{ code: 'condition-false' }] });
  });

  test('ends a session at the end of its lifetime', async () => {
    await engine.decide();
    const onExpired = jest.fn<(session: Session) => void>();
    const gateway = await running({ onExpired });
    const session = gateway.startSession({ ...CUT, lifetimeMs: 60_000 });
    now += 60_000;
    expect((await endedEvent(session)).data).toMatchObject({ cause: 'expired' });
    expect(onExpired).toHaveBeenCalledTimes(1);
    expect(gateway.health().sessions).toBe(0);
  });

  test('finds its open sessions again after a restart, neither lost nor doubled', async () => {
    await engine.decide();
    await engine.decide({ deviceId: 'laptop-2' });
    const first = await running();
    const kept = first.startSession(CUT);
    const over = first.startSession({ ...CUT, deviceId: 'laptop-2' });
    first.endSession(over.sessionId);
    await first.close();
    const second = await running();
    expect(second.sessionsOf({ user: 'anna@example.org' })).toEqual([kept]);
    expect(second.findSession(CUT)).toEqual(kept);
  });

  test('a session that is over does not come back with its echo', async () => {
    await engine.decide();
    const [one, other] = [await running(), await running()];
    one.endSession(one.startSession(CUT).sessionId);
    const open = one.startSession(CUT);
    await waitFor(() => other.findSession(CUT)?.sessionId === open.sessionId, { what: 'the echoes have passed' });
    expect([one.health().sessions, other.health().sessions]).toEqual([1, 1]);
  });

  test('shares its sessions with the other replicas', async () => {
    await engine.decide();
    const [one, other] = [await running(), await running()];
    const session = one.startSession(CUT);
    const known = await waitFor(() => other.findSession(CUT), { what: 'the other replica knows the session' });
    expect(known).toEqual(session);
    other.endSession(session.sessionId);
    await waitFor(() => one.findSession(CUT) === undefined, { what: 'the first replica knows the end' });
  });
});

describe('gateway - revocation', () => {
  test('ends a revoked session once, says when, and how long after the observation', async () => {
    await engine.decide();
    const enforced: Enforced[] = [];
    const onRevoked = jest.fn<OnRevoked>(() => {
      now += 5;
    });
    const gateway = await running({ onRevoked, onEnforced: (end) => enforced.push(end) });
    const session = gateway.startSession(CUT);
    const observedat = new Date(START - 40).toISOString();
    await engine.revoke(session, {}, { observedat, txn: 'observation-1' });
    // The two come from streams of their own: either may be first here.
    await waitFor(() => onRevoked.mock.calls.length > 0, { what: 'the revocation is carried out' });
    await engine.decide({ postureRevision: 2, wiki: DENY }, { observedat });
    const ended = await endedEvent(session);
    await deniedBy(gateway, 'condition-false');
    expect(ended).toMatchObject({
      observedat,
      txn: 'observation-1',
      data: { cause: 'revoked', enforcement: 'cut', enforcedAt: new Date(START + 5).toISOString() },
    });
    expect(onRevoked).toHaveBeenCalledTimes(1);
    expect(onRevoked.mock.calls[0]).toMatchObject([{ sessionId: session.sessionId }, { reasons: DENY.reasons }]);
    const revocation = onRevoked.mock.calls[0]?.[1];
    expect(enforced).toEqual([{ session, revocation, enforcement: 'cut', enforcedAt: START + 5, reactionMs: 45 }]);
  });

  test('ends a session by the decision alone, and takes the revocation that follows as nothing', async () => {
    await engine.decide();
    const onRevoked = jest.fn<OnRevoked>();
    const gateway = await running({ onRevoked });
    const session = gateway.startSession(CUT);
    await engine.decide({ postureRevision: 2, wiki: DENY });
    await endedEvent(session);
    await engine.revoke(session);
    await engine.decide({ postureRevision: 3 });
    await allowed(gateway);
    expect(onRevoked).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['is only reported', { wiki: { ...DENY, enforced: false } }],
    ['is about another resource', { resources: { wiki: ALLOW, git: DENY } }],
  ])('ends no session by a denial that %s', async (_case, decision) => {
    await engine.decide();
    const gateway = await running();
    gateway.startSession(CUT);
    await engine.decide({ postureRevision: 2, ...decision });
    await waitFor(() => gateway.decide(WIKI).revisions.posture === 2, { what: 'the decision is here' });
    expect(gateway.findSession(CUT)).toBeDefined();
    expect(gateway.decide(WIKI).allowed).toBe(true);
  });

  test('ends the session of somebody who is not the owner any more', async () => {
    await engine.decide();
    const gateway = await running();
    const session = gateway.startSession(CUT);
    await engine.decide({ postureRevision: 2, wiki: { ...ALLOW, requiresOwner: 'bela@example.org' } });
    expect((await endedEvent(session)).data.cause).toBe('revoked');
  });

  test('denies after a revocation until a decision of both revisions comes', async () => {
    await engine.decide();
    const gateway = await running();
    const session = gateway.startSession(CUT);
    await engine.revoke(session, { postureRevision: 3, policyRevision: 2 });
    await deniedBy(gateway, 'awaiting-decision');
    await engine.decide({ postureRevision: 9, policyRevision: 1 });
    await waitFor(() => gateway.decide(WIKI).revisions.posture === 9, { what: 'the newer posture is here' });
    expect(gateway.decide(WIKI).reasons).toMatchObject([{ code: 'awaiting-decision' }]);
    await engine.decide({ postureRevision: 9, policyRevision: 2 });
    await allowed(gateway);
  });

  test('carries out what was revoked while it was down, and still awaits the decision', async () => {
    await engine.decide();
    const first = await running();
    const session = first.startSession(CUT);
    await first.close();
    await engine.revoke(session);
    const onRevoked = jest.fn<OnRevoked>();
    const second = await running({ onRevoked });
    await endedEvent(session);
    expect(onRevoked).toHaveBeenCalledTimes(1);
    expect(second.findSession(CUT)).toBeUndefined();
    expect(second.decide(WIKI).reasons).toMatchObject([{ code: 'awaiting-decision' }]);
    const third = await running({ onRevoked });
    expect(third.health().sessions).toBe(0);
    expect(onRevoked).toHaveBeenCalledTimes(1);
  });

  test('of many sessions ends each that is revoked, once, and no other', async () => {
    const devices = Array.from({ length: 300 }, (_, index) => `laptop-${index}`);
    await Promise.all(devices.map((deviceId) => engine.decide({ deviceId })));
    const revoked: string[] = [];
    const gateway = await running({ onRevoked: ({ deviceId }) => void revoked.push(deviceId) });
    const sessions = devices.map((deviceId) => gateway.startSession({ ...CUT, deviceId }));
    const infected = sessions.filter((_session, index) => index % 3 === 0);
    await Promise.all(
      infected.flatMap((session) => [
        engine.revoke(session),
        engine.decide({ deviceId: session.deviceId, postureRevision: 2, wiki: DENY }),
      ]),
    );
    await waitFor(() => gateway.health().sessions === 200, { what: 'the revoked ones are closed' });
    await gateway.flushed();
    expect(revoked).toHaveLength(100);
    expect(new Set(revoked)).toEqual(new Set(infected.map(({ deviceId }) => deviceId)));
    const ends = await Promise.all(sessions.map((session) => stored(SessionEnded, session)));
    expect(ends.filter((end) => end !== undefined)).toHaveLength(100);
  });

  test('a callback that fails leaves the session closed, without a time of enforcement', async () => {
    await engine.decide();
    const onTrouble = jest.fn();
    const gateway = await running({
      onTrouble,
      onRevoked: () => Promise.reject(new Error('the proxy does not answer')),
    });
    const session = gateway.startSession(CUT);
    await engine.revoke(session);
    const { data } = await endedEvent(session);
    expect(data.cause).toBe('revoked');
    expect(data.enforcedAt).toBeUndefined();
    expect(onTrouble).toHaveBeenCalledWith(expect.stringContaining(session.sessionId), expect.any(Error));
    expect(gateway.findSession(CUT)).toBeUndefined();
  });

  test('a replica whose session another one ended as revoked ends it too', async () => {
    await engine.decide();
    const onRevoked = jest.fn<OnRevoked>();
    const gateway = await running({ onRevoked });
    const { sessionId } = gateway.startSession(CUT);
    await gateway.flushed();
    await engine.publish(SessionEnded, { gateway: 'edge', ...WIKI, sessionId, cause: 'revoked', endedAt: TIME });
    await waitFor(() => gateway.health().sessions === 0, { what: 'the session is ended here' });
    expect(onRevoked).toHaveBeenCalledTimes(1);
  });
});

describe('gateway - without a link to NATS', () => {
  let proxy: FaultProxy;
  let own: NatsConnection;

  beforeEach(async () => {
    proxy = await startFaultProxy({ target: nats.url });
    own = await nats.connect({
      servers: `nats://127.0.0.1:${proxy.port}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 20,
      reconnectJitter: 5,
    });
    closing.push(
      () => proxy.close(),
      () => own.close(),
    );
  });

  test('keeps deciding until the leases end, then catches up', async () => {
    await engine.decide();
    await engine.decide({ deviceId: 'laptop-2' });
    const onRevoked = jest.fn<OnRevoked>();
    const gateway = await running({ connection: own, onRevoked, maxSilenceMs: 60_000 });
    const session = gateway.startSession(CUT);
    await gateway.flushed();
    await proxy.refuse();
    await waitFor(() => !gateway.health().connected, { what: 'the link is lost' });
    expect(gateway.decide(WIKI).allowed).toBe(true);
    const meanwhile = gateway.startSession({ ...CUT, deviceId: 'laptop-2' });
    await engine.decide({ postureRevision: 2, wiki: DENY });
    now += 60_001;
    expect(gateway.decide(WIKI).reasons).toMatchObject([{ code: 'engine-silent' }]);
    await proxy.resume();
    await endedEvent(session);
    expect(onRevoked).toHaveBeenCalledTimes(1);
    await waitFor(() => stored(SessionStarted, meanwhile), { what: 'the session begun meanwhile is told' });
    await trusted(gateway);
    expect(gateway.decide({ ...WIKI, deviceId: 'laptop-2' }).allowed).toBe(true);
  });

  test('a server that was killed and started again costs no decision and no revocation', async () => {
    if (!nats.dedicated) return;
    await engine.decide();
    const gateway = await running({ connection: own });
    const session = gateway.startSession(CUT);
    await gateway.flushed();
    await nats.kill();
    await nats.restart();
    await waitFor(() => engine.decide({ postureRevision: 2, wiki: DENY }).then(() => true), { what: 'it is decided' });
    expect((await endedEvent(session)).data.cause).toBe('revoked');
    await deniedBy(gateway, 'condition-false');
  });
});
