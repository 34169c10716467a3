import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import {
  DeadLettered,
  DecisionChanged,
  DeviceRecorded,
  PolicyActivated,
  PolicyPublished,
  PostureChanged,
  STREAMS,
  type DataOf,
} from '@stance/contracts';
import { applyTopology, EventPublisher } from '@stance/jetstream';
import { startSecuredNats, type SecuredNats } from '@stance/testing';
import { stance } from './fixtures/captured-io.js';
import { activated, decision, posture, published } from './fixtures/facts.js';
import { HEALTHY_READS_WIKI } from './fixtures/policies.js';
import { TrailWriter } from './fixtures/trail-writer.js';

let nats: SecuredNats;
beforeAll(async () => {
  nats = await startSecuredNats({ gateways: ['edge'] });
  await applyTopology(await nats.connectAs('topology'), { gateways: ['edge'] });
  const publisher = new EventPublisher(await nats.connectAs('config-sync'), 'config-sync');
  const data = { deviceId: 'd1', state: 'enrolled' as const, hardware: {}, groups: [], tags: [] };
  await publisher.publish(DeviceRecorded, data, { id: 'd1', cause: {} });
  publisher.close();
  const matcher = new EventPublisher(await nats.connectAs('device-matcher'), 'device-matcher');
  await matcher.publish(DeadLettered, deadLetter(), { id: 'dead', cause: {} });
  matcher.close();
});
afterAll(() => nats.close());

const as = (user: string, ...args: string[]) =>
  stance(args, { env: { NATS_URL: nats.url, NATS_NKEY_SEED_FILE: nats.fileOf(user) } });

const deadLetter = (): DataOf<typeof DeadLettered> => ({
  service: 'device-matcher',
  originalSubject: 'stance.device.recorded.v1.d1',
  stream: STREAMS.DEVICES.name,
  sequence: 1,
  headers: {},
  payload: '{',
  encoding: 'utf8',
  bytes: 1,
  reason: { code: 'malformed', message: 'not JSON' },
  attempts: 1,
  diedAt: '2026-01-05T10:00:00.000Z',
});

async function stored(stream: string): Promise<number> {
  const { streams } = await jetstreamManager(await nats.connectAs('break-glass'));
  return (await streams.info(stream)).state.messages;
}

describe('somebody who may only look', () => {
  test.each([
    ['status'],
    ['devices'],
    ['sessions'],
    ['sources'],
    ['policy', 'history'],
    ['dead-letters'],
    ['dead-letters', 'show', '1'],
  ])('sees %s %s', async (...args) => {
    const { exitCode, stderr } = await as('viewer', ...args.filter((arg) => arg !== undefined));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  test('is told that the audit trail is not theirs to see', async () => {
    expect((await as('viewer', 'status')).stdout).toContain('not for this user to see');
  });

  test('may not act: says so at once, and changes nothing', async () => {
    const file = fileURLToPath(new URL('../../../deploy/local/samples/policy.yaml', import.meta.url));
    const { exitCode, stderr } = await as('viewer', 'policy', 'publish', file);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'the NATS user may not do this: Permissions Violation for Publish to "stance.policy.published.v1"',
    );
    expect(await stored(STREAMS.POLICIES.name)).toBe(0);
  });

  test('may not set up streams', async () => {
    const { exitCode, stderr } = await as('viewer', 'topology', 'apply');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('the NATS user may not do this');
  });
});

describe('somebody who may look into the audit trail as well', () => {
  const at = (hour: number) => `2026-01-05T0${hour}:00:00.000Z`;
  const withTrail = (...args: string[]) =>
    stance(args, {
      env: {
        NATS_URL: nats.url,
        NATS_NKEY_SEED_FILE: nats.fileOf('viewer'),
        STANCE_AUDIT_NATS_NKEY_SEED_FILE: nats.fileOf('auditor'),
      },
    });

  beforeAll(async () => {
    const trail = new TrailWriter(await nats.connectAs('audit-trail'));
    await trail.fact(PolicyPublished, published({ document: HEALTHY_READS_WIKI }), at(1));
    await trail.fact(PolicyActivated, activated(), at(1));
    for (const [hour, infected] of [false, true, false].entries()) {
      const attributes = { 'sentinelOne:infected': { value: infected, agent: 0 } };
      await trail.fact(PostureChanged, posture({ revision: hour, attributes }), at(hour + 2));
      await trail.fact(DecisionChanged, decision({ decidedAt: at(hour + 2) }), at(hour + 2));
    }
  });

  test('is told what held at any time', async () => {
    const explained = await withTrail('explain', 'laptop-1', 'wiki', '--at', at(3), '--json');
    expect(explained).toMatchObject({ stderr: '', exitCode: 0 });
    expect(JSON.parse(explained.stdout)).toMatchObject({
      at: at(3),
      effect: 'deny',
      postureRevision: 1,
      decisions: [{ decidedAt: at(3) }],
    });
  });

  test('sees how much is recorded', async () => {
    expect(JSON.parse((await withTrail('status', '--json')).stdout)).toMatchObject({ auditRecords: 8 });
  });
});

test('topology check tells of a gateway without an account', async () => {
  const { exitCode, stderr } = await as('topology', 'topology', 'check', '--gateways', 'other');
  expect(exitCode).toBe(2);
  expect(stderr).toContain('gateway other has no account of its own');
});

test('topology check finds everything, copies as well, as it should be', async () => {
  const { exitCode, stdout } = await as('topology', 'topology', 'check', '--gateways', 'edge');
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'The streams are as Stance needs them.\n' });
});
