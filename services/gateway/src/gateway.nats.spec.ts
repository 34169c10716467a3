import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  DecisionChanged,
  EngineReported,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  type ResourceDecision,
} from '@stance/contracts';
import { applyTopology, EventPublisher, FactTable } from '@stance/jetstream';
import { ConfigurationInvalid, createLogger, startService, type RunningService } from '@stance/service-kit';
import {
  freePort,
  startTestNats,
  temporaryFolder,
  waitFor,
  type TemporaryFolder,
  type TestNats,
  PATIENCE_MS,
} from '@stance/testing';
import { gateway } from './service.js';

const ALLOW: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
const DENY: ResourceDecision = {
  effect: 'deny',
  enforced: true,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
};
const ANNA = { 'x-stance-device': 'laptop-1', 'x-stance-user': 'anna@example.org' };

let nats: TestNats;
let connection: NatsConnection;
let engine: EventPublisher;
let folder: TemporaryFolder;
let service: RunningService | undefined;
let url: string;
let decisionSequence = 0;
let events = 0;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await applyTopology(connection);
  engine = new EventPublisher(connection, 'policy-engine', { timeoutMs: PATIENCE_MS });
});
afterAll(() => nats.close());

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await service?.stop();
  service = undefined;
  await folder.remove();
});

function nextId(): string {
  events += 1;
  return `policy-engine:played:${events}`;
}

async function decide(name: string, wiki: ResourceDecision, postureRevision: number): Promise<void> {
  const { sequence } = await engine.publish(
    DecisionChanged,
    {
      gateway: name,
      deviceId: 'laptop-1',
      resources: { wiki },
      postureRevision,
      policyRevision: 1,
      decidedAt: new Date().toISOString(),
      reviewAt: null,
    },
    { id: nextId(), cause: {} },
  );
  decisionSequence = sequence;
}

function report(name: string): void {
  const data = { gateway: name, policyRevision: 1, lag: 0, evaluatedUpTo: 0, reportedAt: new Date().toISOString() };
  engine.announce(EngineReported, { ...data, decidedUpTo: decisionSequence }, nextId());
}

async function start(name: string, options: { isTrusted?: boolean } = {}): Promise<void> {
  const port = await freePort();
  const file = join(folder.path, 'gateway.yaml');
  await writeFile(
    file,
    `name: ${name}\nlisten: { port: ${port} }\ntrustedProxies: [127.0.0.1]\ndevice: { header: {} }\nuser: { header: {} }\n`,
  );
  url = `http://127.0.0.1:${port}`;
  service = await startService(gateway, {
    environment: { NATS_URL: nats.url, STANCE_GATEWAY_FILE: file, LOG_LEVEL: 'silent' },
    http: false,
    logger: createLogger('gateway', 'silent'),
  });
  await service.active;
  if (options.isTrusted ?? true) await ready(name);
}

async function ready(name: string): Promise<void> {
  await waitFor(
    () => {
      report(name);
      return service?.health().ready;
    },
    { what: 'the gateway has heard the engine' },
  );
}

const authorize = (headers: Record<string, string> = ANNA) => fetch(`${url}/authorize/wiki`, { headers });

async function sessionsOf(name: string, contract: typeof SessionStarted | typeof SessionEnded): Promise<string[]> {
  const table = new FactTable(connection, engine, contract, {
    keep: ({ data }) => data.sessionId,
    only: { gateway: name },
  });
  await table.load();
  await table.stopFollowing();
  return [...table.values()];
}

describe('the gateway service', () => {
  test('denies before the engine is heard, then lets in, and opens one session', async () => {
    await decide('first', ALLOW, 1);
    await start('first', { isTrusted: false });
    const early = await authorize();
    expect([early.status, await early.json()]).toMatchObject([403, { reasons: [{ code: 'engine-silent' }] }]);
    await ready('first');
    const replies = await Promise.all(Array.from({ length: 50 }, () => authorize()));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 200));
    expect(replies[0]?.headers.get('x-stance-decision')).toBe('allow; policy=1; posture=1');
    await waitFor(async () => (await sessionsOf('first', SessionStarted)).length === 1, { what: 'a session is told' });
  });

  test('denies from the moment of a revocation until a newer decision, over a restart', async () => {
    await decide('second', ALLOW, 1);
    await start('second');
    expect((await authorize()).status).toBe(200);
    const [sessionId] = await waitFor(
      async () => {
        const open = await sessionsOf('second', SessionStarted);
        return open.length > 0 && open;
      },
      { what: 'the session is told' },
    );
    await engine.publish(
      SessionRevoked,
      {
        gateway: 'second',
        deviceId: 'laptop-1',
        sessionId: sessionId ?? '',
        resource: 'wiki',
        reasons: DENY.reasons,
        postureRevision: 2,
        policyRevision: 1,
        revokedAt: new Date().toISOString(),
      },
      { id: nextId(), cause: {} },
    );
    await waitFor(async () => (await sessionsOf('second', SessionEnded)).includes(sessionId ?? ''), {
      what: 'the session has ended',
    });
    await service?.stop();
    await start('second');
    const revoked = await authorize();
    expect([revoked.status, await revoked.json()]).toMatchObject([403, { reasons: [{ code: 'awaiting-decision' }] }]);
    await decide('second', ALLOW, 2);
    await waitFor(async () => (await authorize()).status === 200, { what: 'access is back' });
    // Sessions are told in the background, at the latest before the end.
    await service?.stop();
    expect(await sessionsOf('second', SessionStarted)).toHaveLength(2);
  });

  test('finds its open session after a restart and opens no second one', async () => {
    await decide('third', ALLOW, 1);
    await start('third');
    await authorize();
    await service?.stop();
    await start('third');
    expect((await authorize()).status).toBe(200);
    await service?.stop();
    expect(await sessionsOf('third', SessionStarted)).toHaveLength(1);
    expect(await sessionsOf('third', SessionEnded)).toHaveLength(0);
  });

  test('tells a denied person why, once the decision is here', async () => {
    await decide('fourth', DENY, 1);
    await start('fourth');
    const page = await authorize({ ...ANNA, accept: 'text/html' });
    expect([page.status, await page.text()]).toEqual([403, expect.stringContaining('This machine is infected.')]);
    const unproved = await authorize({});
    expect(unproved.status).toBe(401);
  });

  test('shows what another replica told a person: a proxy may fetch the page from any of them', async () => {
    await decide('fifth', DENY, 1);
    await start('fifth');
    const other = service;
    const denied = await authorize();
    const denialId = denied.headers.get('x-stance-denial') ?? '';
    await start('fifth');
    try {
      // A person would load it again: the others are waited for no longer than for half a second.
      const page = await waitFor(
        async () => {
          const answer = await fetch(`${url}/denied/${denialId}`, { headers: { accept: 'text/html' } });
          const text = await answer.text();
          return answer.status === 200 && text;
        },
        { what: 'the page' },
      );
      expect(page).toContain('This machine is infected.');
    } finally {
      await other?.stop();
    }
    expect((await fetch(`${url}/denied/${denialId}`)).status).toBe(404);
    expect((await fetch(`${url}/denied/anything`)).status).toBe(404);
  });

  test('does not start with a file that has problems, and names them all', async () => {
    const file = join(folder.path, 'gateway.yaml');
    await writeFile(file, 'name: edge\ntrustedProxies: [somewhere]\nlisten: { port: -1 }\n');
    const starting = startService(gateway, {
      environment: { NATS_URL: nats.url, STANCE_GATEWAY_FILE: file, LOG_LEVEL: 'silent' },
      http: false,
    });
    await expect(starting).rejects.toThrow(ConfigurationInvalid);
    await expect(starting).rejects.toThrow(/trustedProxies\.0.*|listen\.port.*/s);
  });
});
