import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  DecisionChanged,
  DeviceRecorded,
  PolicyActivated,
  PolicyPublished,
  PostureChanged,
  type DataOf,
} from '@stance/contracts';
import { startTestNats, type TestNats } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';
import { activated, decision, denied, device, FactWriter, posture, published } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';
import { HEALTHY_READS_WIKI } from '../fixtures/policies.js';
import { TrailWriter } from '../fixtures/trail-writer.js';

let nats: TestNats;
let connection: NatsConnection;
let trail: TrailWriter;
beforeEach(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await freshTopology(connection);
  trail = new TrailWriter(connection);
});
afterEach(async () => {
  await nats.close();
});

/** The day that all of this happens on. */
const at = (time: string): string => `2026-01-05T${time}.000Z`;

const explainAt = (time: string, ...argv: string[]) =>
  stance(['explain', 'laptop-1', 'wiki', '--at', at(time), '--nats', nats.url, ...argv]);

async function json(time: string): Promise<unknown> {
  const { stdout, stderr, exitCode } = await explainAt(time, '--json');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout);
}

async function policy(
  revision: number,
  document: string,
  time: string,
  over: Partial<DataOf<typeof PolicyActivated>> = {},
) {
  const sha256 = createHash('sha256').update(document).digest('hex');
  await trail.fact(PolicyPublished, published({ revision, document, sha256 }), at(time));
  await trail.fact(PolicyActivated, activated({ revision, ...over }), at(time));
}

/** What the device's agent said when: whether it is infected, and last seen at that time. */
async function reading(
  infected: boolean,
  time: string,
  revision: number,
  over: Partial<DataOf<typeof PostureChanged>> = {},
) {
  const agents = [
    { source: 'office-console', agentId: '101', by: 'serial' as const, lastSeenAt: at(time), observedAt: at(time) },
  ];
  const attributes = { 'sentinelOne:infected': { value: infected, agent: 0 } };
  await trail.fact(PostureChanged, posture({ revision, agents, attributes, ...over }), at(time));
}

describe('explain --at', () => {
  test('explains each time by the posture, the policy and the decision of then; no service runs', async () => {
    await policy(1, HEALTHY_READS_WIKI, '08:00:00');
    await reading(false, '09:00:00', 101);
    await trail.fact(DecisionChanged, decision({ decidedAt: at('09:00:00') }), at('09:00:00'));
    await reading(true, '10:00:00', 102);
    await trail.fact(DecisionChanged, decision({ decidedAt: at('10:00:01'), resources: denied }), at('10:00:01'));
    await policy(2, HEALTHY_READS_WIKI.replace('== false', 'IS SET'), '11:00:00');

    expect(await json('09:59:59')).toMatchObject({
      at: at('09:59:59'),
      effect: 'allow',
      postureRevision: 101,
      policyRevision: 1,
      evaluatedAt: at('09:59:59'),
      rules: [{ verdict: 'true', conditions: [{ actual: false, age: 3_599, source: 'office-console' }] }],
      decisions: [{ gateway: 'office', decidedAt: at('09:00:00'), decision: { effect: 'allow' } }],
      changes: [{ effect: 'deny', at: '2026-01-06T09:00:00.001Z' }, { effect: 'deny' }],
      lacking: [],
    });
    // Between the posture and the decision that follows from it.
    expect(await json('10:00:00')).toMatchObject({
      effect: 'deny',
      reasons: [{ code: 'condition-false' }],
      postureRevision: 102,
      decisions: [{ decision: { effect: 'allow' } }],
    });
    expect(await json('10:30:00')).toMatchObject({
      effect: 'deny',
      policyRevision: 1,
      decisions: [{ decision: { effect: 'deny' } }],
    });
    expect(await json('11:00:00')).toMatchObject({ effect: 'allow', postureRevision: 102, policyRevision: 2 });

    const { stdout } = await explainAt('10:30:00');
    expect(stdout).toMatch(/^laptop-1 → wiki at 2026-01-05T10:30:00.000Z: deny\n├─ because\n/);
    expect(stdout).toContain('confirmed 30 min ago');
    expect(stdout).toContain('gateways held\n│  └─ office: deny, decided at 2026-01-05T10:00:01.000Z');
  });

  test('a grace runs as the decisions of then remember it', async () => {
    const graced = HEALTHY_READS_WIKI.replace('[healthy]', '[{ posture: healthy, grace: 2h }]');
    await policy(1, graced, '08:00:00');
    await reading(true, '09:00:00', 101);
    const graces = [{ rule: 'everyone reads the wiki', posture: 'healthy', failingSince: at('09:00:00') }];
    await trail.fact(DecisionChanged, decision({ graces }), at('09:00:00'));
    expect(await json('10:00:00')).toMatchObject({
      effect: 'warn',
      until: at('11:00:00'),
      graceSince: at('09:00:00'),
      changes: [{ effect: 'deny', at: at('11:00:00') }, {}],
    });
    expect(await json('11:00:00')).toMatchObject({ effect: 'deny' });
  });

  test('a policy that was refused, or only reported, was not in force', async () => {
    await policy(1, HEALTHY_READS_WIKI, '08:00:00');
    await policy(2, 'version: 7\n', '08:10:00', { outcome: 'refused' });
    await policy(3, `mode: report\n${HEALTHY_READS_WIKI}`, '08:20:00', { mode: 'report' });
    await reading(false, '09:00:00', 101);
    expect(await json('09:30:00')).toMatchObject({ policyRevision: 1, effect: 'allow' });
  });

  test('reads from its stream what was too large for a record', async () => {
    const manager = await jetstreamManager(connection);
    await new FactWriter(connection).write(PolicyPublished, published({ document: HEALTHY_READS_WIKI }));
    const stored = await manager.streams.getMessage('STANCE_POLICIES', { seq: 1 });
    const left = { payload: undefined, encoding: undefined };
    await trail.fact(PolicyPublished, published(), stored?.timestamp ?? '', left);
    await trail.fact(PolicyActivated, activated(), new Date().toISOString());
    await trail.fact(PostureChanged, posture(), at('09:00:00'));
    const now = ['explain', 'laptop-1', 'wiki', '--at', '0s', '--json', '--nats', nats.url];
    expect(JSON.parse((await stance(now)).stdout)).toMatchObject({
      policyRevision: 1,
      rules: [{ name: 'everyone reads the wiki' }],
    });

    // A stream that was made anew has another message there.
    await manager.streams.delete('STANCE_POLICIES');
    await freshTopology(await nats.connect());
    trail = new TrailWriter(connection);
    await trail.fact(PolicyPublished, published(), at('08:00:00'), left);
    await trail.fact(PolicyActivated, activated(), at('08:00:00'));
    await trail.fact(PostureChanged, posture(), at('09:00:00'));
    expect(await explainAt('10:00:00')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(
        'revision 1 was in force at 2026-01-05T10:00:00.000Z, but its document is not recorded',
      ),
    });
  });

  test('says where facts are missing that may have counted', async () => {
    await policy(1, HEALTHY_READS_WIKI, '08:00:00');
    await trail.gap(PostureChanged, 2);
    await reading(false, '09:00:00', 101);
    await trail.gap(PostureChanged, 3);
    await reading(true, '10:00:00', 102);
    await trail.gap(DecisionChanged, 'made-anew');
    expect(await json('09:30:00')).toMatchObject({
      lacking: [
        'STANCE_POSTURE 4 to 6 were gone before audit saw them: what counted then may be among them',
        expect.stringMatching(/^STANCE_DECISIONS was deleted and made anew/),
      ],
    });
    expect(await json('10:30:00')).toMatchObject({ lacking: [expect.stringContaining('STANCE_DECISIONS')] });
    const { stdout } = await explainAt('09:30:00');
    expect(stdout).toContain('├─ what the audit trail lacks\n│  ├─ STANCE_POSTURE 4 to 6');
  });

  test('says that audit is behind', async () => {
    await policy(1, HEALTHY_READS_WIKI, '08:00:00');
    await reading(false, '09:00:00', 101);
    const facts = new FactWriter(connection);
    await facts.write(PostureChanged, posture({ deviceId: 'laptop-2' }));
    await facts.write(PostureChanged, posture());
    const { stdout } = await stance(['explain', 'laptop-1', 'wiki', '--at', '0s', '--json', '--nats', nats.url]);
    expect(JSON.parse(stdout)).toMatchObject({
      lacking: [expect.stringMatching(/^audit has not recorded STANCE_POSTURE from sequence 2 on/)],
    });
    expect(await json('09:30:00')).toMatchObject({ lacking: [] });
  });
});

describe('explain --at says that history does not reach back', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['without an audit trail', async () => undefined, /nothing is in the audit trail[^\n]*is audit running\?/],
    [
      'before a device was known',
      async () => {
        await policy(1, HEALTHY_READS_WIKI, '08:00:00');
        await reading(false, '11:00:00', 101);
      },
      /no posture of laptop-1 is recorded at 2026-01-05T10:00:00.000Z or before; the first is of 2026-01-05T11:00:00.000Z; the audit trail begins at 2026-01-05T11/,
    ],
    [
      'where the posture of then is gone',
      async () => {
        await policy(1, HEALTHY_READS_WIKI, '08:00:00');
        await trail.gap(PostureChanged, 5);
        await reading(false, '11:00:00', 101);
      },
      /no posture of laptop-1 .*; STANCE_POSTURE 1 to 5 were gone before audit saw them/,
    ],
    [
      'before there was a policy',
      async () => {
        await reading(false, '09:00:00', 101);
        await policy(1, HEALTHY_READS_WIKI, '11:00:00');
      },
      /no policy was in force at 2026-01-05T10:00:00.000Z: everything was denied/,
    ],
    [
      'where the policy of then is none any more',
      async () => {
        await policy(1, 'version: 7\n', '08:00:00');
        await reading(false, '09:00:00', 101);
      },
      /revision 1, in force at [^ ]*, is no valid policy for this version of stance/,
    ],
    [
      'for a device that nobody knows, with the nearest',
      async () => {
        await new FactWriter(connection).write(DeviceRecorded, device({ deviceId: 'laptop-11' }));
        await policy(1, HEALTHY_READS_WIKI, '08:00:00');
      },
      /there is no device laptop-1 in the inventory. Did you mean laptop-11/,
    ],
  ])('%s', async (_, arrange, said) => {
    await arrange();
    expect(await explainAt('10:00:00')).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringMatching(said) });
  });

  test('and not ahead', async () => {
    const argv = ['explain', 'laptop-1', 'wiki', '--at', '2999-01-01T00:00:00Z', '--nats', nats.url];
    expect(await stance(argv)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('has to lie in the past'),
    });
  });
});
