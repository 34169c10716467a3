import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  GetEngineStatus,
  OperatorActed,
  PolicyActivated,
  SessionRevoked,
  subjectOf,
  type EngineStatus,
} from '@stance/contracts';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { answering } from '../fixtures/answering.js';
import { stance, startStance, type RunOptions } from '../fixtures/captured-io.js';
import { activated, FactWriter, revoked } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';
import { readLog } from '../read-table.js';
import type { GatewayHold } from '../view/holds.js';

const MINUTE_MS = 60_000;

let nats: TestNats;
let connection: NatsConnection;
let facts: FactWriter;
let held: GatewayHold;
/** What the engine answers, and what ends its answering. */
let engine: EngineStatus;
let stopAnswering: () => void;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
});
beforeEach(async () => {
  await freshTopology(connection);
  facts = new FactWriter(connection);
  const now = Date.now();
  const since = new Date(now - MINUTE_MS).toISOString();
  const until = new Date(now + 14 * MINUTE_MS + 30_000).toISOString();
  held = { gateway: 'edge', since, until, devices: 1_200, sessions: 1_500 };
  engine = { policyRevision: 3, policyLoads: true, review: null, holds: [held] };
  stopAnswering = await answering(connection, GetEngineStatus, () => engine);
});
afterEach(() => stopAnswering());
afterAll(async () => {
  await nats.close();
});

const run = (argv: string[], options: RunOptions = {}) =>
  stance(argv, { env: { NATS_URL: nats.url, NO_COLOR: '1' }, ...options });
const releases = async () => (await readLog(connection, OperatorActed)).events.map(({ data }) => data);

/** The engine carries out what is released, as the real one does; some of the sessions are over already. */
function carriesOut(sessions: readonly string[], then: Partial<EngineStatus> = {}): () => void {
  const subject = subjectOf(OperatorActed, { kind: 'hold-released', targetId: 'edge' });
  const carryOut = async () => {
    for (const name of sessions) {
      const [deviceId = '', sessionId = ''] = name.split('/');
      await facts.write(SessionRevoked, revoked({ gateway: 'edge', deviceId, sessionId }));
    }
    engine = { ...engine, holds: [], ...then };
  };
  const subscription = connection.subscribe(subject, { callback: () => void carryOut() });
  return () => subscription.unsubscribe();
}

describe('hold list', () => {
  test('shows how many wait at which gateway, until when, and what to do', async () => {
    const { stdout, exitCode } = await run(['hold', 'list']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/GATEWAY +DEVICES +SESSIONS +SINCE +REVOKED\nedge +1,200 +1,500 +1 min ago +in 14 min\n/);
    expect(stdout).toContain('stance hold release edge --reason <why>');
  });

  test('says that nothing waits', async () => {
    engine = { ...engine, holds: [] };
    expect((await run(['hold', 'list'])).stdout).toBe('No gateway holds revocations back.\n');
  });

  test('for scripts is what the engine says', async () => {
    expect(JSON.parse((await run(['hold', 'list', '--json'])).stdout)).toEqual([held]);
  });

  test('needs the engine', async () => {
    stopAnswering();
    expect(await run(['hold', 'list'])).toMatchObject({ exitCode: 3, stderr: /policy-engine does not answer/ });
  });
});

describe('hold release', () => {
  const words = ['hold', 'release', 'edge', '--reason', 'an attack', '--by', 'ana'];
  const release = {
    kind: 'hold-released',
    targetId: 'edge',
    by: 'ana',
    reason: 'an attack',
  };

  beforeEach(async () => {
    held = { ...held, devices: 2, sessions: 3 };
    engine = { ...engine, holds: [held] };
    // Of before, and of elsewhere: neither is of this release.
    await facts.write(SessionRevoked, revoked({ gateway: 'edge', sessionId: 'long ago' }));
    await facts.write(SessionRevoked, revoked({ gateway: 'vpn' }));
  });
  const released = () => ({ ...release, details: { heldUntil: held.until } });

  test('shows whom it concerns, asks, records who released it and why, and waits until it is carried out', async () => {
    const stop = carriesOut(['d1/s1', 'd1/s2', 'd2/s3']);
    const { exitCode, stdout, stderr } = await run(words, { typed: 'y\n' });
    stop();
    expect(stderr).toContain('Revoke the sessions of 2 devices with 3 sessions now? [y/N]');
    expect(stdout).toMatch(/\nreleased: 2 devices with 3 sessions revoked; see `stance sessions --gateway edge`\n$/);
    expect(exitCode).toBe(0);
    expect(await releases()).toEqual([released()]);
  });

  test('tells what was really carried out, and what may follow', async () => {
    const again = {
      ...held,
      until: new Date(Date.parse(held.until) + MINUTE_MS).toISOString(),
      devices: 1,
      sessions: 1,
    };
    const review = { reviewed: 2_500, total: 10_000, startedAt: held.since };
    const stop = carriesOut(['d1/s1'], { review, holds: [again] });
    const { stdout } = await run([...words, '--yes']);
    stop();
    expect(stdout).toContain('released: 1 device with 1 session revoked;');
    expect(stdout).toContain('2 more waited, and had ended or may go on');
    expect(stdout).toContain('edge has begun to hold back again: 1 device with 1 session\n');
    expect(stdout).toMatch(/a review of the fleet is still under way, 2,500 of 10,000 devices: .* another hold\n/);
  });

  test('for scripts is what was recorded and carried out', async () => {
    const stop = carriesOut(['d1/s1', 'd2/s3']);
    const { stdout } = await run([...words, '--yes', '--json']);
    stop();
    expect(JSON.parse(stdout)).toEqual({ ...released(), devices: 2, sessions: 2, review: null });
  });

  test('asks anew where more wait when the answer comes, and releases just what was agreed to', async () => {
    const stop = carriesOut(['d1/s1', 'd1/s2', 'd2/s3']);
    const later = new Date(Date.parse(held.until) + MINUTE_MS).toISOString();
    const running = startStance(words, { env: { NATS_URL: nats.url, NO_COLOR: '1' }, typed: null });
    await waitFor(() => running.stderr().includes('2 devices with 3 sessions now?'), { what: 'the first question' });
    engine = { ...engine, holds: [held, { ...held, until: later, devices: 900, sessions: 1_000 }] };
    running.type('y\n');
    await waitFor(() => running.stderr().includes('900 devices with 1,000 sessions now?'), { what: 'the second one' });
    expect(await releases()).toEqual([]);
    running.type('y\n');
    expect((await running.outcome).exitCode).toBe(0);
    stop();
    expect(await releases()).toEqual([{ ...release, details: { heldUntil: later } }]);
  });

  test.each(['n\n', '\n', ''])('anything but yes (%j) releases nothing', async (typed) => {
    const { exitCode, stderr } = await run(words, { typed });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('not released: nothing was done');
    expect(await releases()).toEqual([]);
  });

  test('without a terminal it wants --yes', async () => {
    expect(await run(words)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining('say --yes') });
  });

  test('of a gateway that holds nothing is refused, with the name that was meant', async () => {
    const outcome = await run(['hold', 'release', 'egde', '--reason', 'x', '--yes']);
    expect(outcome).toMatchObject({ exitCode: 2 });
    expect(outcome.stderr).toMatch(/^egde holds no revocations back, so there is nothing to release/);
    expect(await releases()).toEqual([]);
  });

  test('says so when the engine does not carry it out in time', async () => {
    const { exitCode, stderr } = await run([...words, '--yes', '--timeout', '300ms']);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/it is recorded, but after 300 ms .* for 2 devices: see its log/);
    expect(await releases()).toHaveLength(1);
  });
});

describe('status', () => {
  const status = async (...argv: string[]) => (await run(['status', ...argv])).stdout;

  test('begins with what is held back, and what to do', async () => {
    expect(await status()).toMatch(
      /^edge holds revocations back: 1,200 devices with 1,500 sessions that are denied stay in, and are revoked in 14 min\n {2}If that is a mistake/,
    );
    expect(await status()).toMatch(/\nengine +decides as things happen, 1 gateway holding revocations back\n/);
    expect(JSON.parse(await status('--json'))).toMatchObject({ engine: { holds: [held] } });
  });

  test('shows how far a review of the fleet is, and a policy in report mode', async () => {
    await facts.write(PolicyActivated, activated({ revision: 3 }));
    await facts.write(PolicyActivated, activated({ revision: 4, mode: 'report' }));
    engine = { ...engine, holds: [], review: { reviewed: 2_500, total: 10_000, startedAt: held.since } };
    const stdout = await status();
    expect(stdout).toMatch(/\nengine +reviews the fleet: 2,500 of 10,000 devices \(25 %\), begun 1 min ago\n/);
    expect(stdout).toMatch(/\npolicy +revision 3 is active; revision 4 runs beside it in report mode/);
  });

  test('shouts when the policy in force does not load', async () => {
    engine = { ...engine, holds: [], policyLoads: false };
    expect(await status()).toContain('revision 3 no longer loads, so everything is denied');
    engine = { ...engine, policyErrors: [{ message: 'no such attribute', line: 4 }, { message: 'another' }] };
    expect(await status()).toContain(
      'revision 3 no longer loads (no such attribute), so everything is denied: `stance policy rollback`, or publish a corrected one',
    );
  });

  test('does without an engine that does not answer', async () => {
    stopAnswering();
    expect(await status()).toMatch(/\nengine +does not answer/);
    expect(JSON.parse(await status('--json'))).toMatchObject({ engine: null, simulated: false });
  });
});
