import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { MatchingModel, type AgentReport, type ModelKey, type Placement } from '@stance/testing';
import fc from 'fast-check';
import { certificate, told, type Told } from './spec/messy-hardware.js';
import { World, type Observation } from './spec/world.js';

/** What is tried of random stories: `STANCE_MODEL_RUNS`; the default takes a few seconds. */
const RUNS = Number(process.env['STANCE_MODEL_RUNS'] ?? 20);
/** `STANCE_MODEL_SEED` plays again what a failure has printed. */
const SEED = process.env['STANCE_MODEL_SEED'];
/** No story begins later than this. */
const LIMIT_MS = process.env['STANCE_MODEL_RUNS'] === undefined ? 20_000 : 3_600_000;

const agent = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const device = fc.constantFrom('x', 'y', 'z');

const HEALTH = {
  clean: { 'sentinelOne:infected': false, 'sentinelOne:networkStatus': 'connected' },
  infected: { 'sentinelOne:infected': true, 'sentinelOne:networkStatus': 'connected' },
  isolated: { 'sentinelOne:infected': false, 'sentinelOne:networkStatus': 'disconnected' },
  unknown: {},
} as const;

const condition = {
  /** Without it, the hardware that the agent had before. */
  hardware: fc.option(told, { nil: undefined, freq: 2 }),
  health: fc.constantFrom<keyof typeof HEALTH>('clean', 'clean', 'infected', 'isolated', 'unknown'),
  decommissioned: fc.constantFrom(false, false, false, true),
  /** Months of 2026. */
  registered: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 8 }),
  seen: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined, freq: 8 }),
};
const seldom = fc.integer({ min: 0, max: 9 }).map((drawn) => drawn === 9);

const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('observe'), agent, ...condition }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('leave'),
      agent,
      how: fc.constantFrom('uninstalled', 'not-in-sweep'),
      /** In the middle of it. */
      restart: seldom,
      ...condition,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('enroll'), device, hardware: told, certificate }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('retire'), device }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('link'), agent, device, ended: seldom }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unlink'), agent }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;
type Condition = Extract<Step, { do: 'observe' }>;

const keys = fc.constantFrom<readonly ModelKey[]>(
  ['serial', 'externalId+mac', 'uuid'],
  ['serial', 'externalId+mac', 'uuid'],
  ['serial', 'externalId+mac', 'uuid', 'mac+hostname'],
  ['uuid', 'mac+hostname', 'serial'],
  ['externalId+mac'],
);

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());

/** A story as it is told to the matcher and to the model. */
class Story {
  private readonly model: MatchingModel;
  private readonly hardware = new Map<string, Told>();
  private readonly last = new Map<string, Partial<Observation>>();
  private published: Promise<void>[] = [];

  constructor(private readonly keys: readonly ModelKey[]) {
    this.model = new MatchingModel(keys);
  }

  async play(steps: readonly Step[]): Promise<void> {
    await this.startMatcher();
    let remembered = false;
    for (const each of steps) {
      // What a gone agent leaves behind depends on who was there meanwhile: then the matcher has to have seen each step, that
      // by which it is forgotten included.
      if (each.do === 'leave' || remembered || this.model.remembers) await this.check();
      remembered = this.model.remembers;
      await this.happens(each);
    }
    await this.check();
  }

  private async happens(each: Step): Promise<void> {
    switch (each.do) {
      case 'observe':
        return this.observe(each);
      case 'leave':
        return this.leave(each);
      case 'enroll': {
        const { names, proves } = each.certificate;
        this.model.enroll({ id: each.device, means: each.hardware.means, proves });
        this.publish(
          world.record(each.device, undefined, 'enrolled', each.hardware.written, { certificateSan: [...names] }),
        );
        return;
      }
      case 'retire':
        this.model.retire(each.device);
        this.publish(world.record(each.device, undefined, 'retired'));
        return;
      case 'link':
      case 'unlink':
        return this.link(each.agent, each.do === 'link' ? each.device : undefined, each.do === 'link' && each.ended);
      case 'restart':
        // In the middle of what is under way; what a stopping one is just being sent would come again only after seconds.
        await Promise.all(this.published.splice(0));
        return this.restartMatcher();
    }
  }

  private observe(each: Condition): void {
    const { agent: id } = each;
    const hardware = this.hardwareOf(each);
    const observation: Partial<Observation> = { hardware: hardware.written, ...recordOf(each) };
    this.last.set(id, observation);
    this.model.observe(id, reportOf(each, hardware));
    this.publish(world.observe(id, undefined, observation));
  }

  private async leave(each: Extract<Step, { do: 'leave' }>): Promise<void> {
    const { agent: id, how } = each;
    if (this.model.knows(id) && !this.model.isPresent(id)) return;
    // A sweep can miss only those who were there.
    const isMissed = how === 'not-in-sweep' && this.model.isPresent(id);
    const hardware = this.hardwareOf(this.model.knows(id) ? { agent: id, hardware: undefined } : each);
    const record = this.last.get(id) ?? { hardware: hardware.written, ...recordOf(each) };
    this.model.leave(id, reportOf(each, hardware));
    this.publish(
      world.observe(id, undefined, {
        ...(isMissed ? { hardware: {}, attributes: {} } : record),
        presence: 'gone',
        goneReason: isMissed ? 'not-in-sweep' : 'uninstalled',
      }),
    );
    if (each.restart) {
      await Promise.all(this.published.splice(0));
      await this.restartMatcher();
    }
    await this.check();
  }

  /** Links of agents that are gone are nobody's business here: a link counts while its agent is not gone. */
  private async link(id: string, to: string | undefined, ended: boolean): Promise<void> {
    if (to !== undefined && this.model.knows(id) && !this.model.isPresent(id)) return;
    this.model.link(id, ended ? undefined : to);
    // Of a link and its undoing, the one that was stored last counts.
    await Promise.all(this.published);
    await world.link(id, to, ended ? '2026-01-01T00:00:00Z' : undefined);
  }

  private hardwareOf({ agent: id, hardware }: Pick<Condition, 'agent' | 'hardware'>): Told {
    const has = hardware ?? this.hardware.get(id) ?? { written: {}, means: { macs: [], serialProblem: 'no-serial' } };
    this.hardware.set(id, has);
    return has;
  }

  private publish(published: Promise<void>): void {
    this.published.push(published);
  }

  private async startMatcher(): Promise<void> {
    await world.startMatcher({ STANCE_MATCH_KEYS: this.keys.join(',') });
  }

  private async restartMatcher(): Promise<void> {
    await world.stopMatcher();
    await this.startMatcher();
  }

  private async check(): Promise<void> {
    await Promise.all(this.published.splice(0));
    const expected = this.model.expected();
    await world.settled();
    expectRegisters(expected);
  }
}

function expectRegisters(expected: Record<string, Placement>): void {
  expect(registersOf(Object.keys(expected))).toEqual(expected);
}

function recordOf({ health, decommissioned, registered, seen }: Omit<Condition, 'do'>): Partial<Observation> {
  return {
    attributes: { ...HEALTH[health], ...(decommissioned && { 'sentinelOne:isDecommissioned': true }) },
    ...(registered !== undefined && { registeredAt: `2026-0${registered}-01T00:00:00.000000Z` }),
    ...(seen !== undefined && { lastSeenAt: `2026-0${seen}-01T00:00:00.000000Z` }),
  };
}

function reportOf({ health, decommissioned, registered, seen }: Omit<Condition, 'do'>, { means }: Told): AgentReport {
  return { means, clean: health === 'clean', decommissioned, registeredAt: registered, lastSeenAt: seen };
}

function registersOf(ids: readonly string[]): Record<string, Placement | undefined> {
  return Object.fromEntries(
    ids.map((id) => {
      const register = world.registerOf(id);
      if (register === undefined) return [id, undefined];
      const { state, device: to, candidates, by, trust, problem, formerDevice, presence } = register;
      // Why an agent that is gone belongs to nobody needs no telling.
      if (presence === 'gone') return [id, { state, device: to, formerDevice }];
      return [id, { state, device: to, candidates, by, trust, problem, formerDevice }];
    }),
  );
}

it(
  'whatever happens, every agent is where the rules of docs/matching.md put it',
  async () => {
    const startedAt = performance.now();
    const story = async (order: readonly ModelKey[], steps: readonly Step[]) => {
      // A run that has begun comes to its end; fast-check's own limit would give it up, with whatever it finds.
      if (performance.now() - startedAt > LIMIT_MS) throw new fc.PreconditionFailure(true);
      await world.reset();
      await new Story(order).play(steps);
    };
    await fc.assert(fc.asyncProperty(keys, fc.array(step, { minLength: 5, maxLength: 30 }), story), {
      numRuns: RUNS,
      ...(SEED !== undefined && { seed: Number(SEED) }),
    });
  },
  LIMIT_MS + 60_000,
);
