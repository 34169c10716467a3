import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { propertyRuns, waitFor } from '@stance/testing';
import { World, type Register } from './spec/world.js';

const SERIALS = ['S-0001', 's-0001 ', 'S-0002', 'S-0003', 'None', undefined];
const AGENTS = ['a', 'b', 'c', 'd'];
const DEVICES = ['x', 'y', 'z'];

const RUNS = propertyRuns(12);
/** No run begins later than this: a busy machine tries fewer, but at least one. */
const LIMIT_MS = RUNS * 5_000;

type Step =
  | { readonly kind: 'agent'; readonly id: string; readonly serial: string | undefined }
  | { readonly kind: 'device'; readonly id: string; readonly serial: string | undefined; readonly retired: boolean }
  | { readonly kind: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('agent'),
      id: fc.constantFrom(...AGENTS),
      serial: fc.constantFrom(...SERIALS),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('device'),
      id: fc.constantFrom(...DEVICES),
      serial: fc.constantFrom(...SERIALS),
      retired: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart') }) },
);

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());

/** The number in a serial; whatever else says nothing. */
const numberOf = (serial: string | undefined) => /^s-(\d+)/i.exec(serial ?? '')?.[1];

/**
 * Where each agent belongs, from nothing but the last word on every agent and device. Agents that go are left out: what they
 * leave behind depends on who was there meanwhile.
 */
function modelOf(steps: readonly Step[]): Record<string, Pick<Register, 'state' | 'device'> & object> {
  const agents = new Map(steps.filter((one) => one.kind === 'agent').map((one) => [one.id, one]));
  const devices = new Map(steps.filter((one) => one.kind === 'device').map((one) => [one.id, one]));
  return Object.fromEntries(
    [...agents.values()].map(({ id, serial }) => {
      const number = numberOf(serial);
      const sameDevices = [...devices.values()].filter((one) => !one.retired && numberOf(one.serial) === number);
      const sameAgents = [...agents.values()].filter((one) => numberOf(one.serial) === number);
      const candidates = sameDevices.map((device) => device.id).toSorted();
      const [device] = candidates;
      if (number === undefined || device === undefined) return [id, { state: 'unmatched', device: null }];
      if (candidates.length > 1 || sameAgents.length > 1)
        return [id, { state: 'quarantined', device: null, candidates }];
      return [id, { state: 'matched', device }];
    }),
  );
}

async function play(steps: readonly Step[]): Promise<void> {
  const published: Promise<void>[] = [];
  for (const one of steps) {
    if (one.kind === 'restart') {
      // In the middle of what is under way, on purpose.
      await world.stopMatcher();
      await world.startMatcher();
    } else if (one.kind === 'agent') {
      published.push(world.observe(one.id, one.serial));
    } else {
      published.push(world.record(one.id, one.serial, one.retired ? 'retired' : 'enrolled'));
    }
  }
  await Promise.all(published);
  await world.settled();
}

it(
  'whatever happens in whatever order, every agent ends where the last word on everybody puts it',
  async () => {
    const startedAt = performance.now();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        // A run that has begun comes to its end; fast-check's own limit would give it up, with whatever it finds.
        if (performance.now() - startedAt > LIMIT_MS) throw new fc.PreconditionFailure(true);
        await world.reset();
        await world.startMatcher();
        await play(steps);
        const expected = modelOf(steps);
        await waitFor(
          () => {
            for (const [agent, match] of Object.entries(expected)) expect(world.registerOf(agent)).toMatchObject(match);
            return true;
          },
          { what: 'every register to be as the model says' },
        );
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  LIMIT_MS + 60_000,
);
