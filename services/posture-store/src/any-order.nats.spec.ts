import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { propertyRuns, waitFor } from '@stance/testing';
import type { Posture } from './posture.js';
import { World } from './spec/world.js';

const AGENTS = ['a', 'b', 'c'];
const DEVICES = ['x', 'y', 'z'];

const RUNS = propertyRuns(12);
/** No run begins later than this: a busy machine tries fewer, but at least one. */
const LIMIT_MS = RUNS * 5_000;

type Step =
  | {
      readonly kind: 'agent';
      readonly id: string;
      readonly place: Place;
      readonly gone: boolean;
      readonly value: number;
    }
  | { readonly kind: 'device'; readonly id: string; readonly retired: boolean; readonly tag: string }
  | { readonly kind: 'restart' };

/** The device that an agent belongs to, or those that it may belong to. */
type Place = string | readonly string[];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('agent'),
      id: fc.constantFrom(...AGENTS),
      place: fc.oneof(fc.constantFrom(...DEVICES), fc.subarray(DEVICES, { minLength: 1 })),
      gone: fc.boolean(),
      value: fc.integer({ min: 0, max: 1 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('device'),
      id: fc.constantFrom(...DEVICES),
      retired: fc.boolean(),
      tag: fc.constantFrom('red', 'blue'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart') }) },
);

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());

/** What counts of a posture, from nothing but the last word on every agent and device. */
function modelOf(steps: readonly Step[], deviceId: string): unknown {
  const agents = [...new Map(steps.filter((one) => one.kind === 'agent').map((one) => [one.id, one])).values()];
  const device = steps.findLast((one) => one.kind === 'device' && one.id === deviceId);
  if (device?.kind !== 'device') return { state: 'unknown', tags: [], agents: [], value: undefined, uncertain: false };
  if (device.retired) return { state: 'retired', tags: [device.tag], agents: [], value: undefined, uncertain: false };
  const present = agents.filter(({ gone }) => !gone);
  const own = present.filter(({ place }) => place === deviceId);
  const values = new Set(own.map(({ value }) => value));
  return {
    state: 'enrolled',
    tags: [device.tag],
    agents: own.map(({ id }) => id).toSorted(),
    value: values.size === 1 ? [...values][0] : undefined,
    uncertain: present.some(({ place }) => Array.isArray(place) && place.includes(deviceId)),
  };
}

function summaryOf(posture: Posture | undefined): unknown {
  return {
    state: posture?.device.state ?? 'unknown',
    tags: posture?.device.tags ?? [],
    agents: posture?.agents.map(({ agentId }) => agentId) ?? [],
    value: posture?.attributes['value']?.value,
    uncertain: posture?.problems.includes('quarantined') ?? false,
  };
}

async function play(steps: readonly Step[]): Promise<void> {
  const published: Promise<void>[] = [];
  for (const one of steps) {
    if (one.kind === 'restart') {
      // In the middle of what is under way, on purpose.
      await world.stopStore();
      await world.startStore();
    } else if (one.kind === 'device') {
      published.push(world.record(one.id, { state: one.retired ? 'retired' : 'enrolled', tags: [one.tag] }));
    } else {
      const { id, place, gone, value } = one;
      const report = { presence: gone ? 'gone' : 'present', attributes: { value } } as const;
      published.push(
        typeof place === 'string'
          ? world.match(id, place, report)
          : world.match(id, null, { ...report, state: 'quarantined', candidates: [...place] }),
      );
    }
  }
  await Promise.all(published);
  await world.settled();
}

/** Revisions rise by one; a retirement removes those before it, which may have gone before anybody read them. */
function expectGapless(written: readonly Posture[]): void {
  const expected = written.map(({ revision, device }, index) => {
    const next = (written[index - 1]?.revision ?? revision - 1) + 1;
    return device.state === 'retired' ? Math.max(revision, next) : next;
  });
  expect(written.map(({ revision }) => revision)).toEqual(expected);
}

it(
  'whatever happens in whatever order, every device ends with what the last word on everybody says',
  async () => {
    const startedAt = performance.now();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        // A run that has begun comes to its end; fast-check's own limit would give it up, with whatever it finds.
        if (performance.now() - startedAt > LIMIT_MS) throw new fc.PreconditionFailure(true);
        await world.reset();
        await world.startStore();
        await play(steps);
        await waitFor(
          () => {
            for (const device of DEVICES) expect(summaryOf(world.postureOf(device))).toEqual(modelOf(steps, device));
            return true;
          },
          { what: 'every posture to be as the model says' },
        );
        for (const id of DEVICES) expectGapless(world.written.filter(({ deviceId }) => deviceId === id));
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  },
  LIMIT_MS + 60_000,
);
