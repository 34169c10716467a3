import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DecisionChanged, decodeEvent, filterOf, STREAMS, VerifyAudit } from '@stance/contracts';
import { ask, StreamFollower } from '@stance/jetstream';
import { waitFor } from '@stance/testing';

import { ClusterStack, SERVICES } from './cluster-stack.js';
import { Ledger } from './ledger.js';
import { DEVICES, STRUCK, Workload } from './workload.js';

let stack: ClusterStack;
let ledger: Ledger;
let workload: Workload;

const STARTUP_MS = 180_000;
const RUN_MS = 600_000;

beforeAll(async () => {
  stack = await ClusterStack.start(DEVICES);
  await stack.run(2);
  ledger = await Ledger.open(stack.connection);
  workload = new Workload(stack, ledger);
  await workload.begin();
}, STARTUP_MS);

afterAll(async () => {
  await ledger?.close();
  await stack?.close();
}, 60_000);

/** What happens to the cluster, one after the other, while postures change all the time. */
const phases: { readonly name: string; readonly from: number }[] = [];
async function phase(name: string, disturb: () => Promise<void>): Promise<void> {
  phases.push({ name, from: performance.now() });
  await Promise.all([disturb(), workload.nextRevocation()]);
}

async function restartEverything(): Promise<void> {
  await phase('undisturbed', async () => {
    await waitFor(() => workload.reactions.length >= 2 * STRUCK, { what: 'the first revocations', timeoutMs: 60_000 });
  });
  const [first, second, third] = stack.nats.servers;
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three servers');
  await phase('every nats-server restarted', async () => {
    await stack.nats.restart(first, 'lame duck');
    await stack.nats.restart(second, 'shutdown');
    await stack.nats.restart(third, 'lame duck');
  });
  await phase('a nats-server killed', () => stack.nats.restart(first, 'kill'));
  for (const service of SERVICES) {
    await phase(`${service} replaced`, async () => {
      for (const replica of stack.at(service)) await stack.replace(replica);
    });
  }
  await phase('the active policy-engine killed', async () => {
    const engine = stack.at('policy-engine').find(({ isActive }) => isActive);
    if (engine === undefined) throw new Error('no policy-engine is active');
    await stack.replace(engine, 'SIGKILL');
  });
  await phase('afterwards', () => workload.end());
}

/** What the account of Stance says last of each device's access to payroll. */
async function decidedAccess(): Promise<Map<string, string | undefined>> {
  const effects = new Map<string, string | undefined>();
  const options = {
    stream: STREAMS.DECISIONS.name,
    filter: filterOf(DecisionChanged),
    from: 'last-per-subject',
  } as const;
  const follower = await StreamFollower.start(stack.connection, options, ({ data, subject }) => {
    const { deviceId, resources } = decodeEvent(DecisionChanged, data, subject).data;
    effects.set(deviceId, resources['payroll']?.effect);
  });
  await follower.caughtUp(AbortSignal.timeout(30_000));
  await follower.stop();
  return effects;
}

/** One line for each phase: how many sessions were revoked in it, and how long after the infection they were over. */
function report(): string {
  return phases
    .map(({ name, from }, index) => {
      const to = phases[index + 1]?.from ?? Infinity;
      const times = workload.reactions.filter(({ at }) => at >= from && at < to).map(({ ms }) => ms);
      const sorted = times.toSorted((one, other) => one - other);
      const at = (share: number) => `${Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)} ms`;
      const seconds = to === Infinity ? '' : ` in ${Math.round((to - from) / 1_000)} s`;
      return `  ${name}: ${sorted.length} revocations${seconds}, over after ${at(0.5)} (p50), ${at(0.999)} (longest)`;
    })
    .join('\n');
}

describe('while every nats-server and every service is restarted, with posture changes all the time', () => {
  beforeAll(async () => {
    try {
      await restartEverything();
    } finally {
      process.stdout.write(`${report()}\n`);
    }
    await ledger.caughtUp();
  }, RUN_MS);

  test('every session that had to be revoked ended for it, once, and no other ended', () => {
    const wrong = [...ledger.sessions].filter(([, story]) => {
      const { deviceId, resource, ends, revocations } = story;
      const isCondemned = resource === 'payroll' && Number(deviceId.slice(1)) < STRUCK;
      if (revocations.length > 1 || ends.length > 1) return true;
      // Two replicas of the gateway that opened one at the same time keep one of them.
      if (ends[0]?.cause === 'closed') return revocations.length > 0 || !ledger.hasSuccessor(story);
      return isCondemned ? ends[0]?.cause !== 'revoked' : ends.length + revocations.length > 0;
    });
    expect(wrong).toEqual([]);
    expect(ledger.sessions.size).toBeGreaterThan(2 * DEVICES);
  });

  test('no fact about a session was written twice', async () => {
    for (const { name } of [STREAMS.SESSIONS, STREAMS.REVOCATIONS]) {
      const { messages, last_seq } = (await stack.manager.streams.info(name)).state;
      expect({ name, messages }).toEqual({ name, messages: last_seq });
    }
  });

  test('every decision is the one that the last posture makes it', async () => {
    const expected = Array.from({ length: DEVICES }, (_, index) => {
      const deviceId = `d${index}`;
      return [deviceId, workload.infected.has(deviceId) ? 'deny' : 'allow'] as const;
    });
    const isSo = async () => {
      expect(await decidedAccess()).toEqual(new Map(expected));
      return true;
    };
    await expect(waitFor(isSo, { what: 'the last decisions', intervalMs: 500 })).resolves.toBe(true);
  });

  test('whoever was not infected is still connected', async () => {
    const { downloads } = workload;
    await waitFor(() => downloads.every(({ isOpen }) => isOpen), { what: 'the calm devices to be connected' });
    expect(downloads.length).toBeGreaterThan(0);
  });

  test('the audit trail is intact and without a gap', async () => {
    const viewer = await stack.connectAs('viewer');
    const verified = await ask(viewer, VerifyAudit, {}, { timeoutMs: 60_000 });
    await viewer.close();
    expect(verified).toMatchObject({ intact: true, gaps: 0 });
  });

  test('nothing was dead-lettered, and no process ended that was not asked to', async () => {
    expect((await stack.manager.streams.info(STREAMS.DEAD.name)).state.messages).toBe(0);
    expect(stack.replicas.flatMap(({ mishap }) => mishap ?? [])).toEqual([]);
  });
});
