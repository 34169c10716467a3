import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, expect, test } from '@jest/globals';
import { STREAMS } from '@stance/contracts';
import { waitFor } from '@stance/testing';

import { Dice } from './estate/dice.js';
import { Estate } from './estate/estate.js';
import { Life } from './estate/life.js';
import { needlessObservations } from './estate/news.js';
import { Trouble } from './estate/trouble.js';
import { Truth } from './estate/truth.js';
import { settled } from './facts.js';

/** `STANCE_ESTATE_SEED` plays one story again, `STANCE_ESTATE_RUNS` (1) plays more. */
const FIRST_SEED = Number(process.env['STANCE_ESTATE_SEED'] ?? Date.now() % 1_000_000);
const RUNS = Number(process.env['STANCE_ESTATE_RUNS'] ?? 1);

const FRESHNESS_STEP_MS = 1_000;
/** Two pages, so that listings are read while they change. */
const FLEETS = { north: { size: 1_060 }, south: { size: 40, unusableSerials: 0.1 } };
const ENVIRONMENT = {
  SENTINELONE_POLL_INTERVAL: '50ms',
  SENTINELONE_SWEEP_INTERVAL: '1s',
  STANCE_FRESHNESS_STEP: `${FRESHNESS_STEP_MS}ms`,
};
const CHAPTER_MS = 2_500;
const SETTLING_MS = 60_000;

let estate: Estate | undefined;
afterEach(async () => {
  await estate?.close();
  estate = undefined;
});

/** One story: times of changes and of departures in turn, everything going wrong meanwhile, and peace after each. */
class Tale {
  private readonly life: Life;
  private readonly trouble: Trouble;
  private readonly truth: Truth;

  constructor(
    private readonly estate: Estate,
    private readonly dice: Dice,
  ) {
    this.truth = new Truth(estate, FRESHNESS_STEP_MS);
    this.life = new Life(estate, dice, (device) => this.truth.recorded(device));
    this.trouble = new Trouble(estate, dice);
  }

  async begin(): Promise<void> {
    await this.life.takeStock();
    await this.estate.run();
  }

  /** Changes, with restarts, refused tokens and wrong answers in between. */
  async changes(): Promise<void> {
    await this.disturbed(async () => {
      await this.life.happen();
      if (this.dice.chance(0.1)) this.trouble.console();
      if (this.dice.chance(0.05)) this.trouble.shift();
    });
  }

  /** Agents leave, while consoles answer wrongly. */
  async departures(): Promise<void> {
    for (let left = 0; left < 20; left += 1) this.life.leave();
    await this.disturbed(() => {
      if (this.dice.chance(0.2)) this.trouble.console();
    });
  }

  /** No more faults: after a while everything is exactly right. */
  async rest(): Promise<void> {
    this.trouble.over();
    await this.estate.active();
    const look = async () => {
      const differences = await this.truth.differences();
      if (differences.length > 0) throw new Error(`${differences.length}: ${differences.slice(0, 5).join('\n')}`);
      return true;
    };
    const rest = async () => {
      await look();
      await settled(this.estate.stack);
      // A machine that fell silent last is inactive only a moment later.
      return look();
    };
    await waitFor(rest, {
      what: 'everything to be as the consoles and the inventory say',
      timeoutMs: SETTLING_MS,
      intervalMs: 200,
    });
    this.life.rested();
  }

  private async disturb(): Promise<void> {
    const disturbance = this.dice.pick(['service', 'hang', 'token', 'server'] as const);
    await sleep(this.dice.below(CHAPTER_MS / 2));
    if (disturbance === 'token') await this.trouble.token(this.dice.below(500));
    else if (disturbance === 'hang') await this.trouble.hang();
    // A server of NATS_URL is not ours to kill.
    else if (disturbance === 'server' && this.estate.stack.nats.dedicated) await this.trouble.server();
    await this.trouble.service();
  }

  private async disturbed(act: () => Promise<void> | void): Promise<void> {
    const disturbances = this.disturb();
    try {
      const until = performance.now() + CHAPTER_MS;
      while (performance.now() < until) {
        await act();
        await sleep(5 + this.dice.below(40));
      }
    } finally {
      await disturbances;
    }
  }
}

test.each(Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index))(
  'whatever happens to consoles, machines and processes, every posture ends exactly right (STANCE_ESTATE_SEED=%d)',
  async (seed) => {
    estate = await Estate.start({ fleets: FLEETS, environment: ENVIRONMENT });
    const tale = new Tale(estate, new Dice(seed));
    await tale.begin();
    await tale.rest();
    for (const chapter of ['changes', 'departures', 'changes'] as const) {
      await tale[chapter]();
      await tale.rest();
    }
    expect(await needlessObservations(estate.stack, FRESHNESS_STEP_MS)).toEqual([]);
    expect(await estate.stack.lastSequence(STREAMS.DEAD)).toBe(0);
  },
  240_000,
);
