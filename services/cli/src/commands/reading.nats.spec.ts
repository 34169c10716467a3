import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  AgentMatched,
  DecisionChanged,
  DeviceRecorded,
  Explain,
  ListAudit,
  PolicyActivated,
  PostureChanged,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  SourceReported,
  VerifyAudit,
} from '@stance/contracts';
import { RequestFailed } from '@stance/jetstream';
import { startTestNats, type TestNats } from '@stance/testing';
import { answering } from '../fixtures/answering.js';
import { stance } from '../fixtures/captured-io.js';
import {
  activated,
  agent,
  decision,
  denied,
  device,
  ended,
  FactWriter,
  infected,
  OBSERVED_AT,
  posture,
  revoked,
  source,
  started,
} from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';

let nats: TestNats;
let connection: NatsConnection;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await freshTopology(connection);
  const facts = new FactWriter(connection);
  await facts.write(SourceReported, source());
  await facts.write(DeviceRecorded, device());
  await facts.write(DeviceRecorded, device({ deviceId: 'laptop-2', owner: 'two@example.com' }));
  await facts.write(DeviceRecorded, device({ deviceId: 'server-9', state: 'retired' }));
  await facts.write(AgentMatched, agent());
  await facts.write(AgentMatched, agent({ agentId: '102', state: 'unmatched', device: null }));
  await facts.write(PostureChanged, posture());
  await facts.write(PolicyActivated, activated());
  await facts.write(DecisionChanged, decision());
  await facts.write(DecisionChanged, decision({ resources: denied }));
  await facts.write(DecisionChanged, decision({ deviceId: 'laptop-2' }));
  await facts.write(SessionStarted, started());
  await facts.write(SessionStarted, started({ sessionId: 's-2' }));
  await facts.write(SessionStarted, started({ sessionId: 's-3', deviceId: 'laptop-2' }));
  await facts.write(SessionEnded, ended({ sessionId: 's-3', deviceId: 'laptop-2' }));
  await facts.write(SessionRevoked, revoked(), { observedat: OBSERVED_AT });
});
afterAll(async () => {
  await nats.close();
});

const run = (...argv: string[]) => stance(argv, { env: { NATS_URL: nats.url } });

async function json(...argv: string[]): Promise<unknown> {
  const { stdout, stderr, exitCode } = await run(...argv, '--json');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout);
}

describe('lists for scripts are one array under the field names of the events', () => {
  test('sources', async () => {
    expect(await json('sources')).toEqual([source()]);
  });

  test('devices', async () => {
    expect(await json('devices')).toMatchObject([
      {
        deviceId: 'laptop-1',
        state: 'enrolled',
        agents: [{ agentId: '101' }],
        decisions: { office: { wiki: 'deny' } },
      },
      { deviceId: 'laptop-2', owner: 'two@example.com', agents: [], decisions: { office: { wiki: 'allow' } } },
      { deviceId: 'server-9', state: 'retired' },
    ]);
  });

  test.each([
    [['--state', 'retired'], ['server-9']],
    [['--owner', 'two@example.com'], ['laptop-2']],
  ])('devices %j', async (options, ids) => {
    expect(await json('devices', ...options)).toEqual(ids.map((deviceId) => expect.objectContaining({ deviceId })));
  });

  test('sessions', async () => {
    expect(await json('sessions')).toMatchObject([
      {
        sessionId: 's-2',
        deviceId: 'laptop-1',
        resource: 'wiki',
        gateway: 'office',
        user: 'one@example.com',
        state: 'open',
      },
      { sessionId: 's-1', state: 'revoked', reasons: [{ code: 'condition-false' }] },
      { sessionId: 's-3', state: 'ended', cause: 'closed' },
    ]);
  });

  test.each([
    [['--device', 'laptop-2'], ['s-3']],
    [['--state', 'open'], ['s-2']],
    [['--gateway', 'elsewhere'], []],
  ])('sessions %j', async (options, ids) => {
    expect(await json('sessions', ...options)).toEqual(ids.map((sessionId) => expect.objectContaining({ sessionId })));
  });
});

describe('status', () => {
  test('counts everything', async () => {
    expect(await json('status')).toMatchObject({
      server: { url: nats.url, version: expect.stringMatching(/^2\./) },
      simulated: false,
      sources: [{ source: 'office-console' }],
      devices: { enrolled: 2, matched: 1, unmatched: 1, quarantined: 0, retired: 1 },
      agents: { matched: 1, unmatched: 1, quarantined: 0 },
      decisions: { allow: 1, warn: 0, deny: 1 },
      sessions: { open: 1, revoked: 1, ended: 1 },
      policy: { activeRevision: 1, refusedRevision: null },
      deadLetters: 0,
      auditRecords: 0,
      consumers: [],
    });
  });

  test('names the consumer that is behind', async () => {
    const { jetstreamManager, AckPolicy } = await import('@nats-io/jetstream');
    const manager = await jetstreamManager(connection);
    await manager.consumers.add('STANCE_DEVICES', { durable_name: 'matcher-devices', ack_policy: AckPolicy.Explicit });
    try {
      expect(await json('status')).toMatchObject({
        consumers: [{ stream: 'STANCE_DEVICES', durable: 'matcher-devices', pending: 3, inFlight: 0 }],
      });
      expect((await run('status')).stdout).toContain('matcher-devices on STANCE_DEVICES: 3 pending');
    } finally {
      await manager.consumers.delete('STANCE_DEVICES', 'matcher-devices');
    }
  });
});

describe('a table for people', () => {
  test('fits the terminal, in colours unless NO_COLOR asks for none', async () => {
    const env = { NATS_URL: nats.url };
    const painted = await stance(['sessions'], { env, columns: 70 });
    expect(painted.stdout).toContain('\u001b[31mrevoked');
    const { stdout } = await stance(['sessions'], { env: { ...env, NO_COLOR: '1' }, columns: 70 });
    expect(stdout).not.toContain('\u001b');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(70);
  });
});

describe('requests to services', () => {
  test('a service that does not answer is said in one line', async () => {
    expect(await run('explain', 'laptop-1', 'wiki')).toEqual({
      exitCode: 3,
      stdout: '',
      stderr: 'policy-engine does not answer: is it running and ready?\n',
    });
  });

  test('explain prints what the engine says, and hints at the id where the inventory has none', async () => {
    const explanation = {
      resource: 'wiki',
      effect: 'deny',
      enforced: true,
      reasons: [infected],
      rules: [],
      problems: [],
      postureRevision: 1,
      policyRevision: 1,
      evaluatedAt: OBSERVED_AT,
      reviewAt: null,
      changes: [],
      decisions: [],
    };
    const stop = await answering(connection, Explain, (input) => ({ ...explanation, ...(input as object) }));
    try {
      expect(await json('explain', 'laptop-1', 'wiki')).toMatchObject({ deviceId: 'laptop-1', effect: 'deny' });
      const { stdout, stderr, exitCode } = await run('explain', 'laptop1', 'wiki');
      expect(stdout).toMatch(/^laptop1 → wiki: deny\n├─ because\n/);
      expect(stderr).toContain('Did you mean laptop-1');
      expect(exitCode).toBe(0);
    } finally {
      stop();
    }
  });

  test('explain suggests ids when the engine does not know the device', async () => {
    const stop = await answering(connection, Explain, () => {
      throw new RequestFailed('not-found', 'no such device');
    });
    try {
      const { stderr, exitCode } = await run('explain', 'laptop1', 'wiki');
      expect({ stderr, exitCode }).toEqual({ exitCode: 2, stderr: expect.stringContaining('Did you mean laptop-1') });
    } finally {
      stop();
    }
  });

  test('audit list asks for a device and a number', async () => {
    const asked: unknown[] = [];
    const record = {
      position: 7,
      kind: 'gap',
      stream: 'STANCE_POSTURE',
      sequence: 3,
      lastMissing: 5,
      device: '-',
      hash: 'f'.repeat(64),
    };
    const stop = await answering(connection, ListAudit, (input) => {
      asked.push(input);
      return { records: [record] };
    });
    try {
      expect(await json('audit', 'list', '--device', 'laptop-1', '--limit', '5')).toEqual([record]);
      expect(asked).toEqual([{ device: 'laptop-1', limit: 5 }]);
      expect((await run('audit', 'list')).stdout).toContain('3..5 missing');
    } finally {
      stop();
    }
  });

  test.each([
    [true, 0, /^intact: 8 records, 1 gap/],
    [false, 1, /^broken at stream sequence 4 \(position 4\): the hash does not fit; 8 records/],
  ])('audit verify, intact %s, exits with %i', async (intact, exitCode, text) => {
    const firstBad = { streamSequence: 4, position: 4, problem: 'the hash does not fit' };
    const result = { records: 8, gaps: 1, intact, lastHash: 'f'.repeat(64), ...(!intact && { firstBad }) };
    const stop = await answering(connection, VerifyAudit, () => result);
    try {
      const outcome = await run('audit', 'verify');
      expect(outcome).toMatchObject({ exitCode, stdout: expect.stringMatching(text) });
      expect(await run('audit', 'verify', '--json')).toMatchObject({ exitCode, stdout: `${JSON.stringify(result)}\n` });
    } finally {
      stop();
    }
  });
});

test('a source that is simulated is said on every screen, and never in the JSON', async () => {
  const own = await startTestNats();
  try {
    const its = await own.connect();
    await freshTopology(its);
    await new FactWriter(its).write(SourceReported, source({ source: 'simulated' }));
    for (const command of ['status', 'sources', 'devices', 'sessions']) {
      const { stdout } = await stance([command, '--nats', own.url]);
      expect(stdout).toMatch(/^simulated: demo data/);
      const { stdout: forScripts } = await stance([command, '--json', '--nats', own.url]);
      expect(() => JSON.parse(forScripts) as unknown).not.toThrow();
    }
  } finally {
    await own.close();
  }
});
