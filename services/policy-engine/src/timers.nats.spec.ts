import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { STREAMS, subjectOf, TimerDue, TimerSet } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { policyEngineWith } from './service.js';
import { HEALTHY_READS_WIKI, withMaxAge } from './spec/policies.js';
import { World } from './spec/world.js';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(() => world.reset());

const seenAt = (time: number) => ({
  agents: [{ source: 's', agentId: 'a', observedAt: new Date(time).toISOString() }],
});
const deadlines = () => world.timers.map(({ data }) => Date.parse(data.dueAt));

describe('a device’s timer', () => {
  beforeEach(() => world.startEngine());

  it('is set for the time of review, on the subject from which it falls due', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    const { reviewAt } = await world.decided('d1', 'allow');
    await world.settled();
    expect(world.timers.map(({ data }) => data)).toEqual([{ deviceId: 'd1', dueAt: reviewAt }]);
    const last_by_subj = subjectOf(TimerSet, { deviceId: 'd1' });
    const message = await world.manager.streams.getMessage(STREAMS.TIMERS.name, { last_by_subj });
    expect(
      ['Nats-Schedule', 'Nats-Schedule-Target', 'Nats-Schedule-TTL'].map((name) => message?.header.get(name)),
    ).toEqual([`@at ${reviewAt}`, subjectOf(TimerDue, { deviceId: 'd1' }), '1h']);
  });

  it('is left when the deadline moves away, and moved when it comes closer', async () => {
    const now = Date.now();
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false, seenAt(now - 10 * HOUR));
    await world.change('d1', false, seenAt(now - HOUR));
    await world.settled();
    expect(deadlines()).toEqual([now - 10 * HOUR + DAY + 1]);
    await world.change('d1', false, seenAt(now - 20 * HOUR));
    await world.settled();
    expect(deadlines()).toEqual([now - 10 * HOUR + DAY + 1, now - 20 * HOUR + DAY + 1]);
  });

  it('is not needed where time changes nothing', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false, { problems: ['quarantined'] });
    await world.decided('d1', 'deny');
    await world.settled();
    expect(world.timers).toEqual([]);
  });

  it('is left across a restart', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.settled();
    await world.stopEngine();
    await world.startEngine();
    await world.settled();
    expect(world.timers).toHaveLength(1);
  });
});

describe('a timer that falls due', () => {
  /** The engine's clock stands still: however slow the machine is, nothing becomes stale but by the server's timer. */
  let now: number;
  beforeEach(async () => {
    now = Date.now();
    await world.startEngine({ definition: policyEngineWith({ now: () => now }) });
  });

  const decided = () =>
    world.decisions.map(({ data }) => [
      data.resources['wiki']?.effect,
      data.reviewAt === null ? null : Date.parse(data.reviewAt),
    ]);

  it('denies what has become stale, without anything else happening, and revokes', async () => {
    await world.settlePolicy(1, withMaxAge('2s'));
    await world.change('d1', false, seenAt(now + HOUR));
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settled();
    await world.change('d1', false, seenAt(now));
    await world.revoked('s1');
    const stale = now + 2_000 + 1;
    expect(decided()).toEqual([
      ['allow', stale + HOUR],
      ['allow', stale],
      ['deny', null],
    ]);
    const denied = world.decisionOf('d1');
    expect(denied?.resources['wiki']?.reasons).toMatchObject([{ code: 'attribute-stale' }]);
    expect(Date.parse(denied?.decidedAt ?? '')).toBe(stale);
    expect(denied?.postureRevision).toBe(1_002);
  });

  it('changes nothing when the device was seen meanwhile, and is set anew', async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false, seenAt(now));
    await world.change('d1', false, seenAt(now + HOUR));
    await world.settled();
    const first = now + DAY + 1;
    expect(deadlines()).toEqual([first]);
    await world.fireTimer('d1', first);
    await world.settled();
    expect(deadlines()).toEqual([first, first + HOUR]);
    await world.fireTimer('d1', first + HOUR);
    await world.settled();
    expect(decided()).toEqual([
      ['allow', first],
      ['allow', first + HOUR],
      ['deny', null],
    ]);
  });

  it('denies after a restart too, though it fired while no engine ran', async () => {
    await world.settlePolicy(1, withMaxAge('2s'));
    await world.change('d1', false, seenAt(now));
    await world.settled();
    expect(decided()[0]).toEqual(['allow', now + 2_000 + 1]);
    await world.stopEngine();
    const last_by_subj = subjectOf(TimerDue, { deviceId: 'd1' });
    await waitFor(() => world.manager.streams.getMessage(STREAMS.TIMERS.name, { last_by_subj }), {
      what: 'the timer to fire',
    });
    await world.startEngine();
    const { resources } = await world.decided('d1', 'deny');
    expect(resources['wiki']?.reasons).toMatchObject([{ code: 'attribute-stale' }]);
  });
});
