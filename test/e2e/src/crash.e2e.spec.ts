import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  DecisionChanged,
  SessionEnded,
  SessionRevoked,
  STREAMS,
  VerifyAudit,
  type EventContract,
} from '@stance/contracts';
import type { Session } from '@stance/gateway-sdk';
import { ask } from '@stance/jetstream';
import { waitFor } from '@stance/testing';

import { factsOf, settled, tableOf } from './facts.js';
import { machines, PIPELINE, Stack } from './stack.js';
import { WatchedGateway } from './watched-gateway.js';
import { DEVICES, PARTS, playRound, restore, ROUNDS } from './workload.js';

/** Per device and resource, the effect and the codes of its reasons. */
type Outcome = Record<string, Record<string, readonly string[]>>;

/** What one run of the workload came to. */
interface Run {
  readonly payroll: readonly Session[];
  readonly wiki: readonly Session[];
  /** The last sequences before the first change. */
  readonly before: { readonly decisions: number; readonly revocations: number; readonly sessions: number };
}

let stack: Stack;
let gateway: WatchedGateway;
let undisturbed: Outcome;
let run: Run;

beforeAll(async () => {
  stack = await Stack.start({ fleet: machines(DEVICES), environment: { LOG_LEVEL: 'info' } });
  await stack.run(PIPELINE);
  await stack.publishPolicy();
  await stack.enroll(DEVICES);
  gateway = await WatchedGateway.connect(stack);
}, 60_000);

afterAll(async () => {
  await gateway?.close();
  await stack?.close();
});

beforeEach(async () => {
  restore(stack);
  const devices = PARTS.map(({ deviceId }) => deviceId);
  const payroll = await gateway.openSessions(devices, 'payroll');
  const wiki = await gateway.openSessions(devices, 'wiki');
  run = {
    payroll,
    wiki,
    before: {
      decisions: await stack.lastSequence(STREAMS.DECISIONS),
      revocations: await stack.lastSequence(STREAMS.REVOCATIONS),
      sessions: await stack.lastSequence(STREAMS.SESSIONS),
    },
  };
}, 60_000);

afterEach(() => gateway.endSessions(['payroll', 'wiki']));

async function outcome(): Promise<Outcome> {
  const decisions = await tableOf(stack, DecisionChanged, ({ deviceId }) => deviceId);
  return Object.fromEntries(
    [...decisions].map(([deviceId, { data }]) => [
      deviceId,
      Object.fromEntries(
        Object.entries(data.resources).map(([name, { effect, reasons }]) => [
          name,
          [effect, ...reasons.map(({ code }) => code)],
        ]),
      ),
    ]),
  );
}

/** Plays all rounds, each once the console has been read since the one before; while something is dead, at once. */
async function play(isDead: () => boolean = () => false): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    playRound(stack, round);
    await stack.polled(isDead);
  }
}

/** Resolves when every device's decision is what the last round makes it, and nothing is under way any more. */
async function finished(): Promise<void> {
  const look = async () => {
    const now = await outcome();
    const wrong = PARTS.filter(({ deviceId, fate }) => {
      return now[deviceId]?.['payroll']?.[0] !== (fate === 'ends infected' ? 'deny' : 'allow');
    });
    if (wrong.length > 0) throw new Error(`not yet so: ${wrong.map(({ deviceId }) => deviceId).join()}`);
    return true;
  };
  await waitFor(look, { what: 'every decision to be right', timeoutMs: 20_000, intervalMs: 100 });
  await settled(stack);
  await gateway.gateway.flushed();
  await settled(stack);
}

/** Sessions that a decision of this run denied. */
async function deniedSessions(): Promise<Set<string>> {
  const decisions = await factsOf(stack, DecisionChanged, { after: run.before.decisions });
  const denied = new Set(
    decisions.filter(({ data }) => data.resources['payroll']?.effect === 'deny').map(({ data }) => data.deviceId),
  );
  return new Set(run.payroll.filter(({ deviceId }) => denied.has(deviceId)).map(({ sessionId }) => sessionId));
}

/** What has to hold after every run, whatever died in it. */
async function expectNothingLost({ engineDied }: { engineDied: boolean }): Promise<void> {
  expect(await outcome()).toEqual(undisturbed);

  const expected = await deniedSessions();
  for (const { deviceId, fate } of PARTS) {
    const session = run.payroll.find((candidate) => candidate.deviceId === deviceId)?.sessionId ?? '';
    if (fate === 'ends infected') expect(expected).toContain(session);
    if (fate === 'calm') expect(expected).not.toContain(session);
  }
  const ours = new Set([...run.payroll, ...run.wiki].map(({ sessionId }) => sessionId));
  const cuts = [...gateway.cuts].filter(([sessionId]) => ours.has(sessionId));
  expect(Object.fromEntries(cuts)).toEqual(Object.fromEntries([...expected].map((sessionId) => [sessionId, 1])));

  const ended = await factsOf(stack, SessionEnded, { after: run.before.sessions });
  expect(ended.filter(({ data }) => data.cause !== 'revoked' || data.enforcedAt === undefined)).toEqual([]);
  expect(new Set(ended.map(({ data }) => data.sessionId))).toEqual(expected);
  expect(ended).toHaveLength(expected.size);

  // A gateway cuts at the decision already: an engine that died between the two finds nothing left to revoke.
  const revoked = (await factsOf(stack, SessionRevoked, { after: run.before.revocations })).map(({ data }) => data.sessionId);
  if (engineDied) expect(revoked.filter((sessionId) => !expected.has(sessionId))).toEqual([]);
  else expect(new Set(revoked)).toEqual(expected);
  expect(await stack.lastSequence(STREAMS.REVOCATIONS)).toBe(run.before.revocations + revoked.length);
  process.stderr.write(`expected ${expected.size}, revoked ${revoked.length}\n`);

  await expect(ask(stack.connection, VerifyAudit, {}, { timeoutMs: 30_000 })).resolves.toMatchObject({
    intact: true,
    gaps: 0,
  });
}

test('undisturbed, 1,000 changes revoke every session whose device was denied, once, and no other', async () => {
  await play();
  await finished();
  undisturbed = await outcome();
  await expectNothingLost({ engineDied: false });
  expect((await deniedSessions()).size).toBe(PARTS.filter(({ fate }) => fate !== 'calm').length);
}, 60_000);

/** Calls `strike` at the n-th message on a subject: in the middle of the work, wherever that is. */
function atMessage(filter: string, count: number, strike: () => Promise<void>): { struck: Promise<void>; isDead: () => boolean } {
  let seen = 0;
  let dead = false;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  const subscription = stack.connection.subscribe(filter, {
    callback: () => {
      seen += 1;
      if (seen !== count) return;
      dead = true;
      subscription.unsubscribe();
      strike().then(() => {
        dead = false;
        resolve();
      }, reject);
    },
  });
  return { struck: promise, isDead: () => dead };
}

/** What each service writes, and how much of it is about half of a run. */
const OUTPUT = {
  'sentinelone-poller': ['stance.agent.observed.v1.>', 450],
  'device-matcher': ['stance.agent.matched.v1.>', 450],
  'posture-store': ['stance.posture.changed.v1.>', 450],
  'policy-engine': ['stance.decision.changed.v1.>', 150],
  audit: ['stance.audit.recorded.v1.>', 2_000],
  'nats-server': ['stance.decision.changed.v1.>', 150],
} as const;

describe('killed in the middle of 1,000 changes and started again', () => {
  test.each(PIPELINE.toReversed())('%s loses no revocation and ends with the same decisions', async (name) => {
    const restart = async () => {
      await stack.active(name).kill();
      await stack.spawn(name).reached('active', 15_000);
    };
    const { struck, isDead } = atMessage(...OUTPUT[name], restart);
    await play(isDead);
    await struck;
    await finished();
    await expectNothingLost({ engineDied: name === 'policy-engine' });
  }, 60_000);

  test('nats-server loses no revocation and ends with the same decisions', async () => {
    const { struck, isDead } = atMessage(...OUTPUT['nats-server'], async () => {
      await stack.nats.kill();
      await stack.nats.restart();
    });
    await play(isDead);
    await struck;
    await finished();
    await expectNothingLost({ engineDied: true });
  }, 60_000);
});

describe('killed in the middle of 1,000 changes and taken over by a standby that ran all along', () => {
  test.each(['policy-engine', 'posture-store'] as const)('%s loses no revocation and ends with the same decisions', async (name) => {
    const standby = stack.spawn(name);
    await standby.reached('standby');
    const takeover = async () => {
      await stack.active(name).kill();
      await standby.reached('active', 5_000);
    };
    const { struck, isDead } = atMessage(...OUTPUT[name], takeover);
    await play(isDead);
    await struck;
    await finished();
    await expectNothingLost({ engineDied: name === 'policy-engine' });
  }, 60_000);
});
