import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DecisionChanged, SessionEnded, SessionRevoked, STREAMS, VerifyAudit } from '@stance/contracts';
import type { Session } from '@stance/gateway-sdk';
import { ask } from '@stance/jetstream';
import { waitFor } from '@stance/testing';

import { factsOf, lastOf, settled } from './facts.js';
import { machines, PIPELINE, Stack } from './stack.js';
import { WatchedGateway } from './watched-gateway.js';
import { DEVICES, isInfected, PARTS, playRound, restore, ROUNDS, type Fate } from './workload.js';

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
  stack = await Stack.start({ fleet: machines(DEVICES) });
  await stack.run(PIPELINE);
  await stack.publishPolicy();
  await stack.enroll(DEVICES);
  gateway = await WatchedGateway.connect(stack);
}, 120_000);

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
  const decisions = await lastOf(stack, DecisionChanged);
  return Object.fromEntries(
    decisions.map(({ deviceId, resources }) => [
      deviceId,
      Object.fromEntries(
        Object.entries(resources).map(([name, { effect, reasons }]) => [
          name,
          [effect, ...reasons.map(({ code }) => code)],
        ]),
      ),
    ]),
  );
}

/** Plays all rounds, each once `isOver` says so of the one before. */
async function play(isOver: (round: number) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    playRound(stack, round);
    await isOver(round);
  }
}

/** Resolves when every device's decision is what a round makes it. */
async function decided(round: number): Promise<void> {
  const look = async () => {
    const now = await outcome();
    const wrong = PARTS.filter((part) => {
      return now[part.deviceId]?.['payroll']?.[0] !== (isInfected(part, round) ? 'deny' : 'allow');
    });
    if (wrong.length > 0) throw new Error(`not yet so: ${wrong.map(({ deviceId }) => deviceId).join()}`);
    return true;
  };
  await waitFor(look, { what: 'every decision to be right', intervalMs: 100 });
}

/** Resolves when every decision is what the last round makes it, and nothing is under way any more. */
async function finished(): Promise<void> {
  await decided(ROUNDS - 1);
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
  const whoseDevice = (fate: Fate) => {
    const devices = new Set(PARTS.filter((part) => part.fate === fate).map(({ deviceId }) => deviceId));
    return run.payroll.filter(({ deviceId }) => devices.has(deviceId)).map(({ sessionId }) => sessionId);
  };
  expect(whoseDevice('ends infected').filter((sessionId) => !expected.has(sessionId))).toEqual([]);
  expect(whoseDevice('calm').filter((sessionId) => expected.has(sessionId))).toEqual([]);
  const isCut = () => {
    const open = run.payroll.filter(({ sessionId }) => expected.has(sessionId) && !gateway.cuts.has(sessionId));
    if (open.length > 0) throw new Error(`still open: those of ${open.map(({ deviceId }) => deviceId).join()}`);
    return true;
  };
  await waitFor(isCut, { what: 'every denied session to be cut' });
  const cuts = [...run.payroll, ...run.wiki].flatMap(({ sessionId }) => {
    const count = gateway.cuts.get(sessionId);
    return count === undefined ? [] : [[sessionId, count] as const];
  });
  expect(new Map(cuts)).toEqual(new Map([...expected].map((sessionId) => [sessionId, 1])));
  await gateway.gateway.flushed();
  await settled(stack);

  const ended = await factsOf(stack, SessionEnded, { after: run.before.sessions });
  expect(ended.filter(({ data }) => data.cause !== 'revoked' || data.enforcedAt === undefined)).toEqual([]);
  expect(new Set(ended.map(({ data }) => data.sessionId))).toEqual(expected);
  expect(ended).toHaveLength(expected.size);

  const orders = await factsOf(stack, SessionRevoked, { after: run.before.revocations });
  const revoked = new Set(orders.map(({ data }) => data.sessionId));
  expect([...revoked].filter((sessionId) => !expected.has(sessionId))).toEqual([]);
  // A gateway cuts at the decision already: an engine that died between the two finds nothing left to revoke.
  expect([...expected].filter((sessionId) => !engineDied && !revoked.has(sessionId))).toEqual([]);
  expect(await stack.lastSequence(STREAMS.REVOCATIONS)).toBe(run.before.revocations + revoked.size);
}

test('undisturbed, 1,000 changes revoke every session whose device was denied, once, and no other', async () => {
  // Services decide by what holds: what is over again before they come to it is not decided about.
  await play(decided);
  await finished();
  undisturbed = await outcome();
  await expectNothingLost({ engineDied: false });
  expect((await deniedSessions()).size).toBe(PARTS.filter(({ fate }) => fate !== 'calm').length);
}, 60_000);

/** What each service writes, and after how many messages of it about half of a run is over. */
const HALFWAY = {
  'sentinelone-poller': { subject: 'stance.agent.observed.v1.>', messages: 450 },
  'device-matcher': { subject: 'stance.agent.matched.v1.>', messages: 450 },
  'posture-store': { subject: 'stance.posture.changed.v1.>', messages: 450 },
  'policy-engine': { subject: 'stance.decision.changed.v1.>', messages: 150 },
  audit: { subject: 'stance.audit.recorded.v1.>', messages: 2_000 },
  'nats-server': { subject: 'stance.decision.changed.v1.>', messages: 150 },
} as const;
/** The round with which a strike comes at the latest: slow services skip what is over before they come to it, and write less. */
const LATE_ROUND = 7;

/**
 * Plays the workload, each round once the console has been read since the one before, or at once while nobody can read it;
 * `strike` comes with the message that makes half of it, whatever is going on then.
 */
async function playStruck(victim: keyof typeof HALFWAY, strike: () => Promise<void>): Promise<void> {
  const { subject, messages } = HALFWAY[victim];
  let seen = 0;
  let isStruck = false;
  let isDead = false;
  const struck = Promise.withResolvers<void>();
  // Looked at when the rounds are over.
  struck.promise.catch(() => undefined);
  const strikeNow = () => {
    [isStruck, isDead] = [true, true];
    subscription.unsubscribe();
    strike()
      .finally(() => (isDead = false))
      .then(struck.resolve, struck.reject);
  };
  const subscription = stack.connection.subscribe(subject, {
    callback: () => {
      seen += 1;
      if (seen === messages && !isStruck) strikeNow();
    },
  });
  const reads = victim === 'sentinelone-poller' || victim === 'nats-server';
  await play(async (round) => {
    if (round === LATE_ROUND && !isStruck) strikeNow();
    await stack.polled(() => reads && isDead);
  });
  await struck.promise;
  await finished();
}

describe('killed in the middle of 1,000 changes and started again', () => {
  test.each(PIPELINE.toReversed())(
    '%s loses no revocation and ends with the same decisions',
    async (name) => {
      const restart = async () => {
        await stack.active(name).kill();
        await stack.spawn(name).reached('active');
      };
      await playStruck(name, restart);
      await expectNothingLost({ engineDied: name === 'policy-engine' });
    },
    60_000,
  );

  // A server of NATS_URL is not ours to kill.
  (process.env['NATS_URL'] === undefined ? test : test.skip)(
    'nats-server loses no revocation and ends with the same decisions',
    async () => {
      await playStruck('nats-server', async () => {
        await stack.nats.kill();
        await stack.nats.restart();
      });
      await expectNothingLost({ engineDied: true });
    },
    60_000,
  );
});

describe('killed in the middle of 1,000 changes and taken over by a standby that ran all along', () => {
  test.each(['policy-engine', 'posture-store'] as const)(
    '%s loses no revocation and ends with the same decisions',
    async (name) => {
      const standby = stack.spawn(name);
      await standby.reached('standby');
      const takeover = async () => {
        await stack.active(name).kill();
        await standby.reached('active');
      };
      await playStruck(name, takeover);
      await expectNothingLost({ engineDied: name === 'policy-engine' });
    },
    60_000,
  );
});

test('the audit trail of all that is intact and without a gap', async () => {
  await expect(ask(stack.connection, VerifyAudit, {}, { timeoutMs: 50_000 })).resolves.toMatchObject({
    intact: true,
    gaps: 0,
  });
});
