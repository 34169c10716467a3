import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { SessionEnded, SessionStarted, STREAMS, wireStreamConfig } from '@stance/contracts';
import {
  startFaultProxy,
  startTestNats,
  temporaryFolder,
  waitFor,
  type FaultProxy,
  type TemporaryFolder,
  type TestNats,
} from '@stance/testing';

import { factsOf, type Fact } from './facts.js';
import { ExampleGateway, type Command, type Health, type Visitor } from './gateway-examples/example-gateway.js';
import { examples, testGo, type Example } from './gateway-examples/examples.js';
import { ALLOW, DENY, PlayedEngine } from './gateway-examples/played-engine.js';
import { connectWithStreams } from './stack.js';

const MAX_SILENCE_MS = 3_000;
/** Of the observation behind a revocation. */
const CAUSE = {
  txn: 'txn-of-the-observation',
  observedat: '2026-03-01T09:00:00.000Z',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
};

const { node, go } = examples();

for (const { name, unavailable, build } of [node, go]) {
  const skipped = unavailable === '' ? '' : ` (skipped: ${unavailable})`;
  (skipped === '' ? describe : describe.skip)(`the example gateway in ${name}${skipped}`, () => behaves(build));
}

/** What every gateway does, whatever it is written in. */
function behaves(build: Example['build']): void {
  let nats: TestNats;
  let connection: NatsConnection;
  let engine: PlayedEngine;
  let link: FaultProxy;
  let folder: TemporaryFolder;
  let command: Command;
  let gateway: ExampleGateway;

  beforeAll(async () => {
    folder = await temporaryFolder();
    command = await build(folder.path);
    nats = await startTestNats();
    connection = await connectWithStreams(nats);
    engine = new PlayedEngine(connection);
    link = await startFaultProxy({ target: nats.url });
    await engine.decide('early', ALLOW);
    gateway = await start();
  }, 200_000);

  afterAll(async () => {
    engine?.stopReporting();
    await gateway?.stop();
    await link?.close();
    await connection?.close();
    await nats?.close();
    await folder?.remove();
  });

  const start = () =>
    ExampleGateway.start(command, {
      NATS_URL: `nats://127.0.0.1:${link.port}`,
      GATEWAY: 'edge',
      RESOURCES: 'wiki,payroll',
      DEVICE_PROOF: 'token',
      MAX_SILENCE: `${MAX_SILENCE_MS / 1_000}s`,
    });
  const wiki = (visitor: Visitor) => gateway.ask('/wiki', visitor);
  const until = (what: string, condition: () => Promise<boolean>) =>
    waitFor(condition, { what }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${gateway.log}`, { cause: error });
    });
  const expectAllowed = (visitor: Visitor) =>
    until(`${visitor.device} to be allowed`, async () => (await wiki(visitor)).status === 200);
  const expectDenied = (visitor: Visitor, code: string) =>
    until(`${visitor.device} to be denied by ${code}`, async () => {
      const { status, reasons } = await wiki(visitor);
      return status === 403 && reasons[0]?.code === code;
    });
  const health = (what: string, condition: (health: Health) => boolean) =>
    until(what, async () => condition(await gateway.health()));
  const admitted = async (visitor: Visitor) => {
    engine.startReporting();
    await engine.decide(visitor.device ?? '', ALLOW);
    await expectAllowed(visitor);
    return gateway.live('/wiki/live', visitor);
  };
  const started = async (sessionId: string): Promise<Fact<typeof SessionStarted>> =>
    waitFor(async () => (await factsOf({ connection }, SessionStarted)).find(({ subject }) => subject === sessionId), {
      what: 'the session to be told',
    });
  const endedNow = async (sessionId: string) =>
    (await factsOf({ connection }, SessionEnded)).find(({ subject }) => subject === sessionId);
  const ended = (sessionId: string): Promise<Fact<typeof SessionEnded>> =>
    waitFor(() => endedNow(sessionId), { what: "the session's end to be told" });

  test('denies everything before the engine was heard', async () => {
    await health('the decisions to be loaded', ({ loaded }) => loaded);
    await expect(wiki({ device: 'early' })).resolves.toMatchObject({
      status: 403,
      reasons: [{ code: 'engine-silent' }],
    });
    await expect(gateway.health()).resolves.toMatchObject({ status: 503, trusted: false, connected: true });
    engine.startReporting();
    await expectAllowed({ device: 'early' });
    await expect(gateway.health()).resolves.toMatchObject({ status: 200, trusted: true });
  });

  test('denies with the reason of the decision', async () => {
    await engine.decide('infected', DENY);
    await expectDenied({ device: 'infected' }, 'condition-false');
    const { reasons } = await wiki({ device: 'infected' });
    expect(reasons[0]?.message).toBe('This machine is infected.');
  });

  test('denies what it has no decision for, whoever proves no device, and serves only what it is configured for', async () => {
    await expect(wiki({ device: 'stranger' })).resolves.toMatchObject({
      status: 403,
      reasons: [{ code: 'decision-missing' }],
    });
    await expect(gateway.ask('/payroll', { device: 'early' })).resolves.toMatchObject({ status: 403 });
    await expect(wiki({})).resolves.toMatchObject({ status: 401 });
    const elsewhere = await fetch(`${gateway.url}/elsewhere`, { headers: { 'x-device': 'early' } });
    expect(elsewhere.status).toBe(404);
  });

  test('denies past the review time, until a newer decision comes', async () => {
    let revision = 0;
    // Decided again for as long as nobody came to ask before the time was over.
    await until('the device to be allowed before its review', async () => {
      revision += 1;
      const reviewAt = new Date(Date.now() + 1_500).toISOString();
      await engine.decide('reviewed', ALLOW, { reviewAt, postureRevision: revision });
      return (await wiki({ device: 'reviewed' })).status === 200;
    });
    await expectDenied({ device: 'reviewed' }, 'decision-expired');
    await engine.decide('reviewed', ALLOW, { postureRevision: revision + 1 });
    await expectAllowed({ device: 'reviewed' });
  });

  test.each([
    ['another user than the owner', { ...ALLOW, requiresOwner: 'anna@example.com' }, {}, 'bob@example.com', 403],
    ['the owner, in other letters', { ...ALLOW, requiresOwner: 'anna@example.com' }, {}, 'Anna@Example.com', 200],
    ['no proved user', { ...ALLOW, requiresOwner: 'anna@example.com' }, {}, undefined, 200],
    ['a user where the device has no owner', { ...ALLOW, requiresOwner: '' }, {}, 'bob@example.com', 403],
    ['a device proved too weakly', ALLOW, { identity: 'certificate' as const }, undefined, 403],
    ['a device proved well enough', ALLOW, { identity: 'token' as const }, undefined, 200],
    ['a denial that is only reported', { ...DENY, enforced: false }, {}, undefined, 200],
    ['a warning', { ...ALLOW, effect: 'warn' as const, until: '2099-01-01T00:00:00.000Z' }, {}, undefined, 200],
    [
      'a warning that is over',
      { ...ALLOW, effect: 'warn' as const, until: '2020-01-01T00:00:00.000Z' },
      {},
      undefined,
      403,
    ],
  ])('decides about %s', async (title, ruling, overrides, user, status) => {
    const device = title.replaceAll(/\W+/g, '-');
    await engine.decide(device, ruling, overrides);
    await until('the decision to arrive', async () => {
      const { reasons } = await wiki({ device });
      return reasons[0]?.code !== 'decision-missing';
    });
    await expect(wiki({ device, ...(user !== undefined && { user }) })).resolves.toMatchObject({ status });
  });

  test('a session is told when it begins, and is closed when its client leaves', async () => {
    const stream = await admitted({ device: 'visitor', user: 'anna@example.com' });
    expect((await started(stream.sessionId)).data).toMatchObject({
      deviceId: 'visitor',
      resource: 'wiki',
      user: 'anna@example.com',
      enforcement: 'cut',
      proof: 'token',
    });
    stream.leave();
    expect((await ended(stream.sessionId)).data).toMatchObject({ cause: 'closed' });
  });

  test('a revocation cuts the live stream, and its end says when and why', async () => {
    const stream = await admitted({ device: 'cut' });
    const other = await admitted({ device: 'not-cut' });
    await started(stream.sessionId);
    const before = Date.now();
    await engine.revoke('cut', stream.sessionId, { posture: 2, policy: 1 }, CAUSE);
    await waitFor(() => stream.closed, { what: 'the stream to be cut', intervalMs: 2 });
    expect(stream.received).toContain('This machine is infected.');
    const { data, txn, observedat, traceparent } = await ended(stream.sessionId);
    expect(data).toMatchObject({ cause: 'revoked', enforcement: 'cut' });
    expect(Date.parse(data.enforcedAt ?? '')).toBeGreaterThanOrEqual(before);
    expect({ txn, observedat }).toEqual({ txn: CAUSE.txn, observedat: CAUSE.observedat });
    expect(traceparent?.slice(0, 35)).toBe(CAUSE.traceparent.slice(0, 35));
    expect(other.closed).toBe(false);
    other.leave();
  });

  test('after a revocation it denies, until a decision of both revisions comes', async () => {
    const stream = await admitted({ device: 'revoked' });
    await engine.revoke('revoked', stream.sessionId, { posture: 5, policy: 2 });
    await expectDenied({ device: 'revoked' }, 'awaiting-decision');
    await engine.decide('revoked', ALLOW, { postureRevision: 5 });
    await engine.decide('after-it', ALLOW);
    await expectAllowed({ device: 'after-it' });
    await expectDenied({ device: 'revoked' }, 'awaiting-decision');
    await engine.decide('revoked', ALLOW, { postureRevision: 5, policyRevision: 2 });
    await expectAllowed({ device: 'revoked' });
  });

  test('a decision that denies cuts as well, and a revocation that comes after does nothing', async () => {
    const stream = await admitted({ device: 'turned' });
    await engine.decide('turned', DENY, { postureRevision: 2 }, CAUSE);
    await waitFor(() => stream.closed, { what: 'the stream to be cut' });
    const first = await ended(stream.sessionId);
    expect(first).toMatchObject({ txn: CAUSE.txn, data: { cause: 'revoked' } });
    await engine.revoke('turned', stream.sessionId, { posture: 2, policy: 1 });
    await engine.decide('after-that', ALLOW);
    await expectAllowed({ device: 'after-that' });
    expect((await ended(stream.sessionId)).sequence).toBe(first.sequence);
  });

  test('while a revocation is held, who is in stays in and nobody else comes in', async () => {
    const stream = await admitted({ device: 'held', user: 'anna@example.com' });
    const heldUntil = new Date(Date.now() + 60_000).toISOString();
    await engine.decide('held', { ...DENY, enforced: false, heldUntil }, { postureRevision: 2 });
    await expectDenied({ device: 'held', user: 'bob@example.com' }, 'condition-false');
    await expect(wiki({ device: 'held', user: 'anna@example.com' })).resolves.toMatchObject({ status: 200 });
    expect(stream.closed).toBe(false);
    stream.leave();
    await expectDenied({ device: 'held', user: 'anna@example.com' }, 'condition-false');
  });

  test('killed and started again, it keeps the open sessions and carries out what was revoked meanwhile', async () => {
    const revoked = await admitted({ device: 'revoked-meanwhile' });
    const kept = await admitted({ device: 'kept' });
    await started(revoked.sessionId);
    await started(kept.sessionId);
    await gateway.stop('SIGKILL');
    await engine.revoke('revoked-meanwhile', revoked.sessionId, { posture: 2, policy: 1 }, CAUSE);
    gateway = await start();
    const { txn, data } = await ended(revoked.sessionId);
    // Its stream died with the process: nothing was cut, and that is what it says.
    expect({ txn, cause: data.cause, enforcement: data.enforcement }).toEqual({
      txn: CAUSE.txn,
      cause: 'revoked',
      enforcement: 'next-request',
    });
    expect(data.enforcedAt).toBeDefined();
    await expectAllowed({ device: 'kept' });
    await expectDenied({ device: 'revoked-meanwhile' }, 'awaiting-decision');
    const again = await gateway.live('/wiki/live', { device: 'kept' });
    expect(again.sessionId).toBe(kept.sessionId);
    await expect(endedNow(kept.sessionId)).resolves.toBeUndefined();
    again.leave();
    await ended(kept.sessionId);
  });

  test('cut off from NATS it goes on, says so, denies once the engine was silent for too long, and recovers', async () => {
    const stream = await admitted({ device: 'cut-off' });
    await link.refuse();
    await health('the loss of the link', ({ connected }) => !connected);
    await expect(wiki({ device: 'cut-off' })).resolves.toMatchObject({ status: 200 });
    await expect(gateway.health()).resolves.toMatchObject({ status: 200, trusted: true });
    const during = await gateway.live('/wiki/live', { device: 'early' });
    await expectDenied({ device: 'cut-off' }, 'engine-silent');
    await expect(gateway.health()).resolves.toMatchObject({ status: 503, connected: false, trusted: false });
    await engine.revoke('cut-off', stream.sessionId, { posture: 2, policy: 1 });
    await link.resume();
    await waitFor(() => stream.closed, { what: 'the revocation to be carried out' });
    await expectAllowed({ device: 'early' });
    await started(during.sessionId);
    during.leave();
    await ended(during.sessionId);
  }, 60_000);

  test('a decision stream that is another one empties the table', async () => {
    await expectAllowed({ device: 'early' });
    const manager = await jetstreamManager(connection);
    engine.startOver();
    await manager.streams.delete(STREAMS.DECISIONS.name);
    await manager.streams.add(wireStreamConfig(STREAMS.DECISIONS));
    await expectDenied({ device: 'early' }, 'decision-missing');
    await engine.decide('early', ALLOW);
    await expectAllowed({ device: 'early' });
  });
}

(go.unavailable === '' ? describe : describe.skip)('the example in Go by itself', () => {
  test('passes its unit tests', async () => {
    await expect(testGo()).resolves.toMatch(/^ok\s/);
  }, 200_000);
});
