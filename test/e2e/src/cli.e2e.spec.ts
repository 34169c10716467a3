import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SourceReported, STREAMS } from '@stance/contracts';
import { COMPILED_ONCE, waitFor } from '@stance/testing';

import { factsOf, settled } from './facts.js';
import { machines, PIPELINE, Stack } from './stack.js';
import { WatchedGateway } from './watched-gateway.js';

const STANCE = fileURLToPath(new URL('../../../services/cli/bin/stance.mjs', import.meta.url));

let stack: Stack;
let gateway: WatchedGateway;

beforeAll(async () => {
  stack = await Stack.start({ fleet: machines(2) });
  await stack.run(PIPELINE);
  await stack.publishPolicy();
  await stack.enroll(2);
  gateway = await WatchedGateway.connect(stack);
  await gateway.openSessions(['d0', 'd1'], 'payroll');
  // Told after what it read has been stored.
  await waitFor(
    async () => (await factsOf(stack, SourceReported)).some(({ data }) => data.state === 'ok' && data.agents === 2),
    {
      what: 'the source to be reported as read',
    },
  );
}, 120_000);

afterAll(async () => {
  await gateway?.close();
  await stack?.close();
});

function spawnStance(argv: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [STANCE, ...argv], {
    env: { PATH: process.env['PATH'], ...COMPILED_ONCE, NATS_URL: stack.nats.url },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Whatever it waits for: a command is not to outlive its test.
    timeout: 30_000,
  });
  return child;
}

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function outcomeOf(child: ChildProcess): Promise<Ran> {
  if (child.stdout === null || child.stderr === null) throw new Error('the command has no output');
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { exitCode, stdout, stderr };
}

const stance = (...argv: string[]) => outcomeOf(spawnStance(argv));

async function stanceJson(...argv: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await stance('--json', ...argv);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as unknown;
}

test('status shows everything on one screen, and as one object for scripts', async () => {
  const { exitCode, stdout } = await stance('status');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('sentinelone');
  await settled(stack);
  await expect(stanceJson('status')).resolves.toMatchObject({
    sources: [{ source: 'sentinelone', state: 'ok', agents: 2 }],
    deadLetters: 0,
  });
});

test('sessions lists the open ones under their event names', async () => {
  const sessions = (await stanceJson('sessions')) as { deviceId: string }[];
  expect(sessions.toSorted((a, b) => a.deviceId.localeCompare(b.deviceId))).toMatchObject([
    { sessionId: expect.any(String), deviceId: 'd0', resource: 'payroll', gateway: 'edge', state: 'open' },
    { sessionId: expect.any(String), deviceId: 'd1', resource: 'payroll', gateway: 'edge', state: 'open' },
  ]);
});

test('simulate infects a device; watch tells of the revocation as it happens, with its reason and reaction time', async () => {
  const followed = [STREAMS.DECISIONS, STREAMS.REVOCATIONS, STREAMS.SESSIONS];
  const followersOf = async ({ name: stream }: { readonly name: string }) => {
    const names: string[] = [];
    for await (const { name } of stack.manager.consumers.list(stream)) names.push(name);
    return names;
  };
  // By their names: one of a command before may still be there, and go meanwhile.
  const before = new Set((await Promise.all(followed.map(followersOf))).flat());
  const hasAnother = async (stream: { readonly name: string }) =>
    (await followersOf(stream)).some((name) => !before.has(name));
  // Of payroll: the decision, the order to revoke, and the end that the gateway reports.
  const watching = spawnStance(['--json', 'watch', '--device', 'd0', '--count', '3']);
  const watched = outcomeOf(watching);
  await waitFor(async () => (await Promise.all(followed.map(hasAnother))).every(Boolean), {
    what: 'the watch to follow all three streams',
  });

  await expect(stanceJson('simulate', '--tenant', stack.tenant.url, 'infect', 'd0')).resolves.toMatchObject({
    deviceId: 'd0',
    infected: true,
  });
  const { exitCode, stdout } = await watched;
  expect(exitCode).toBe(0);
  const happenings = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string });
  expect(new Set(happenings.map(({ kind }) => kind))).toEqual(new Set(['decision', 'revocation', 'session']));
  expect(happenings.find(({ kind }) => kind === 'revocation')).toMatchObject({
    deviceId: 'd0',
    resource: 'payroll',
    effect: 'deny',
    reasons: [{ code: 'condition-false', attribute: 'sentinelOne:infected' }],
    reactionMs: expect.any(Number),
  });
});

describe('after the revocation', () => {
  test('explain names the rule, the attribute and its value', async () => {
    const { exitCode, stdout } = await stance('explain', 'd0', 'payroll');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('sentinelOne:infected');
    await expect(stanceJson('explain', 'd0', 'payroll')).resolves.toMatchObject({
      effect: 'deny',
      reasons: [{ attribute: 'sentinelOne:infected', actual: true }],
      decisions: [{ gateway: 'edge', decision: { effect: 'deny' } }],
    });
  });

  test('sessions shows that one was revoked, and why', async () => {
    await settled(stack);
    const [revoked] = (await stanceJson('sessions', '--state', 'revoked')) as object[];
    expect(revoked).toMatchObject({ deviceId: 'd0', state: 'revoked', reasons: [{ code: 'condition-false' }] });
    await expect(stanceJson('sessions', '--state', 'open')).resolves.toMatchObject([{ deviceId: 'd1' }]);
  });

  test('audit verify finds the record intact, and audit list shows each step', async () => {
    await settled(stack);
    await expect(stanceJson('audit', 'verify')).resolves.toMatchObject({ intact: true, gaps: 0 });
    const records = (await stanceJson('audit', 'list', '--device', 'd0')) as { type: string }[];
    const types = records.map(({ type }) => type);
    for (const step of ['agent.matched', 'posture.changed', 'decision.changed', 'session.revoked', 'session.ended']) {
      expect(types).toContain(`dev.stance.${step}.v1`);
    }
  });
});

test('a server that does not answer is one line and exit code 3', async () => {
  const { exitCode, stderr } = await stance('--nats', 'nats://127.0.0.1:1', 'status');
  expect(exitCode).toBe(3);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
