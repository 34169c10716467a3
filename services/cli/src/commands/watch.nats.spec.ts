import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  BreakGlassUsed,
  DecisionChanged,
  filterOf,
  OperatorActed,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  type DataOf,
  type EventContract,
} from '@stance/contracts';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { stance, startStance, type RunningCommand } from '../fixtures/captured-io.js';
import {
  decision,
  denied,
  ended,
  FactWriter,
  infected,
  linked,
  OBSERVED_AT,
  revoked,
  started,
  unlinked,
} from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';

let nats: TestNats;
let connection: NatsConnection;
let facts: FactWriter;
const cause = { observedat: OBSERVED_AT };

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await freshTopology(connection);
  facts = new FactWriter(connection);
  await facts.write(DecisionChanged, decision({ deviceId: 'quiet' }));
});
afterAll(async () => {
  await nats.close();
});

/** Everything that follows from the infection of a device with an open session. */
async function infect(deviceId: string): Promise<void> {
  const sessionId = `s-${deviceId}`;
  await facts.write(DecisionChanged, decision({ deviceId }));
  await facts.write(SessionStarted, started({ deviceId, sessionId }));
  await facts.write(DecisionChanged, decision({ deviceId, resources: denied }), cause);
  await facts.write(SessionRevoked, revoked({ deviceId, sessionId }), cause);
  const enforcedAt = '2026-01-05T10:00:00.041Z';
  await facts.write(SessionEnded, ended({ deviceId, sessionId, cause: 'revoked', enforcedAt }));
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

const whatFollows = (deviceId: string) => {
  const common = { deviceId, gateway: 'office', resource: 'wiki' };
  return [
    { ...common, kind: 'decision', before: null, effect: 'allow', reasons: [], reactionMs: null },
    { ...common, kind: 'decision', before: 'allow', effect: 'deny', reasons: [infected], reactionMs: 20 },
    { ...common, kind: 'revocation', sessionId: `s-${deviceId}`, effect: 'deny', reasons: [infected], reactionMs: 30 },
    { ...common, kind: 'session', cause: 'revoked', effect: 'deny', reasons: [infected], reactionMs: 41 },
  ];
};

const letIn = (whom: { deviceId: string; useId: string; user?: string }): DataOf<typeof BreakGlassUsed> => ({
  ...whom,
  gateway: 'office',
  resource: 'wiki',
  proof: 'certificate',
  by: 'ana',
  reason: 'payroll is due',
  until: '2026-01-05T14:00:00.000Z',
  usedAt: OBSERVED_AT,
});

/** Streams are followed each on its own, so that only what is of one kind has an order. */
const byKind = (lines: unknown[]) => (lines as { kind: string }[]).toSorted((a, b) => a.kind.localeCompare(b.kind));

const start = (...argv: string[]) => startStance(['watch', ...argv, '--nats', nats.url]);

/** Watching has begun: a first line is told for a decision that is written again and again. */
async function underWay(watching: RunningCommand, deviceId: string): Promise<void> {
  let denies = false;
  await waitFor(
    async () => {
      denies = !denies;
      await facts.write(DecisionChanged, decision({ deviceId, ...(denies && { resources: denied }) }));
      return watching.stdout().includes(deviceId);
    },
    { what: 'the watch shows its first line', intervalMs: 50 },
  );
}

/** A watch of this device has begun to follow each stream that {@link infect} writes to. */
async function following(deviceId: string): Promise<void> {
  const { consumers } = await jetstreamManager(connection);
  for (const contract of [DecisionChanged, SessionRevoked, SessionEnded]) {
    const filter = filterOf<EventContract>(contract, { deviceId });
    const isFollowed = async () => {
      const { length } = (await consumers.list(contract.stream?.name ?? '').next()).filter(
        ({ config }) => config.filter_subject === filter || config.filter_subjects?.includes(filter),
      );
      return length > 0;
    };
    await waitFor(isFollowed, { what: `${filter} to be followed` });
  }
}

describe('watch', () => {
  test('shows what happens from now on, as one object per line, until enough was seen', async () => {
    const watching = start('--json', '--device', 'laptop-1', '--count', '4');
    await following('laptop-1');
    await infect('laptop-1');
    const { stdout, exitCode, stderr } = await watching.outcome;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(byKind(linesOf(stdout))).toMatchObject(whatFollows('laptop-1'));
  });

  test('begins with the last that happened, in order of time', async () => {
    await infect('laptop-2');
    const { stdout } = await start('--json', '--last', '4', '--count', '4').outcome;
    expect(linesOf(stdout)).toMatchObject(whatFollows('laptop-2'));
  });

  test('begins with the last of one device, however long ago', async () => {
    await infect('laptop-4');
    for (let time = 0; time < 20; time += 1)
      await facts.write(DecisionChanged, decision({ deviceId: `other-${time}` }));
    const { stdout } = await start('--json', '--device', 'laptop-4', '--last', '2', '--count', '2').outcome;
    expect(linesOf(stdout)).toMatchObject(whatFollows('laptop-4').slice(-2));
  });

  test('shows people the change, the reaction time and the reason', async () => {
    await infect('laptop-3');
    const { stdout } = await start('--last', '3', '--count', '3').outcome;
    expect(stdout).toMatch(/decision +laptop-3 → wiki @ office +allow → deny +after 20 ms +The agent reports/);
    expect(stdout).toMatch(/revoked +laptop-3 .* session s-laptop-3 of one@example.com/);
    expect(stdout).toMatch(/ended +laptop-3 .* cut +after 41 ms/);
  });

  test('shows what people did by hand, to one device where only that is wanted', async () => {
    await facts.write(OperatorActed, linked({ device: 'laptop-5' }));
    await facts.write(OperatorActed, linked({ agentId: '103', device: 'other' }));
    await facts.write(OperatorActed, unlinked());
    const { stdout } = await start('--json', '--device', 'laptop-5', '--last', '2', '--count', '2').outcome;
    const common = { kind: 'operation', targetId: 'office-console/102', deviceId: 'laptop-5', by: 'ana' };
    expect(linesOf(stdout)).toMatchObject([
      { ...common, operation: 'manual-link' },
      { ...common, operation: 'manual-unlink' },
    ]);
  });

  test('shows whom break-glass let in where, to one device where only that is wanted', async () => {
    await facts.write(BreakGlassUsed, letIn({ deviceId: 'laptop-6', useId: 'wiki-1', user: 'one@example.com' }));
    await facts.write(BreakGlassUsed, letIn({ deviceId: 'laptop-7', useId: 'wiki-2' }));
    const { stdout } = await start('--last', '2', '--count', '2').outcome;
    const rest = '  by ana: payroll is due  until 2026-01-05T14:00:00.000Z';
    expect(stdout).toContain(`laptop-6 → wiki @ office  break-glass used for one@example.com${rest}`);
    expect(stdout).toContain(`laptop-7 → wiki @ office  break-glass used${rest}`);
    const ofOne = await start('--json', '--device', 'laptop-6', '--last', '1', '--count', '1').outcome;
    expect(linesOf(ofOne.stdout)).toEqual([
      {
        time: OBSERVED_AT,
        kind: 'operation',
        operation: 'break-glass-used',
        targetId: 'wiki-1',
        deviceId: 'laptop-6',
        gateway: 'office',
        resource: 'wiki',
        user: 'one@example.com',
        by: 'ana',
        reason: 'payroll is due',
        until: '2026-01-05T14:00:00.000Z',
      },
    ]);
  });

  test('shows a use of break-glass that was recorded as an operation in the same way', async () => {
    await facts.write(OperatorActed, {
      kind: 'break-glass-used',
      targetId: 'wiki-0',
      by: 'ana',
      reason: 'payroll is due',
      details: { gateway: 'office', device: 'laptop-8', resource: 'wiki', user: 'one@example.com' },
    });
    const { stdout } = await start('--device', 'laptop-8', '--last', '1', '--count', '1').outcome;
    expect(stdout).toContain('laptop-8 → wiki @ office  break-glass used for one@example.com  by ana: payroll is due');
  });

  test('ends on Ctrl-C with 0', async () => {
    const watching = start('--json');
    await underWay(watching, 'interrupted');
    watching.interrupt();
    expect(await watching.outcome).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('goes on after the server was away', async () => {
    const own = await startTestNats();
    // A shared server is not ours to kill.
    if (!own.dedicated) return;
    try {
      await freshTopology(await own.connect());
      const watching = startStance(['watch', '--json', '--nats', own.url]);
      facts = new FactWriter(await own.connect());
      await underWay(watching, 'before');
      await own.kill();
      await own.restart();
      await underWay(watching, 'after');
      watching.interrupt();
      expect(await watching.outcome).toMatchObject({ exitCode: 0, stderr: '' });
    } finally {
      await own.close();
      facts = new FactWriter(await nats.connect());
    }
  });

  test('ends after the time it was given, with nothing of the past', async () => {
    expect(await stance(['watch', '--json', '--for', '300ms', '--nats', nats.url])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: '',
    });
  });
});
