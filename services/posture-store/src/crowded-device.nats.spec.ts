import type { Subscription } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { STREAMS } from '@stance/contracts';
import type { Register } from './posture.js';
import { World } from './spec/world.js';

/** Far above what the store needs, far below what it takes to read every agent's register for each agent's event. */
const DEADLINE_MS = 20_000;

const QUARANTINED: Partial<Register> = {
  state: 'quarantined',
  candidates: ['d1', 'd2'],
  problem: 'duplicate-agent-serial',
};

let world: World;
let reads: Subscription;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startStore();
  await world.record('d1');
});
afterEach(() => reads.unsubscribe());

/** Counts the registers that the store reads back. */
function countReads(): void {
  reads = world.connection.subscribe(`$JS.API.STREAM.MSG.GET.${STREAMS.MATCHES.name}`, { callback: () => undefined });
}

async function all(count: number, device: string | null, report: (index: number) => Partial<Register>): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index);
  await Promise.all(indexes.map((index) => world.match(`a${index}`, device, report(index))));
}

it('a device that 400 quarantined agents may belong to costs no reading back, and holds nobody up', async () => {
  countReads();
  for (let turn = 0; turn < 2; turn += 1) await all(400, null, () => QUARANTINED);
  await world.settled({ timeoutMs: DEADLINE_MS });
  expect(world.postureOf('d1')).toMatchObject({ agents: [], problems: ['quarantined', 'duplicate-serial'] });
  expect(reads.getReceived()).toBe(0);
  await all(399, null, () => ({ presence: 'gone' }));
  await world.settled({ timeoutMs: DEADLINE_MS });
  expect(world.postureOf('d1')).toMatchObject({ problems: ['quarantined', 'duplicate-serial'] });
  await world.match('a399', 'd1');
  await world.settled({ timeoutMs: DEADLINE_MS });
  expect(world.postureOf('d1')).toMatchObject({ agents: [{ agentId: 'a399' }], problems: [] });
}, 60_000);

it('a device of 30 agents shows what each of them said last, and reads back far less than all for each', async () => {
  await all(30, 'd1', () => ({ attributes: { shared: 1 } }));
  await world.settled({ timeoutMs: DEADLINE_MS });
  countReads();
  await all(30, 'd1', (index) => ({ attributes: { shared: 1, [`own${index}`]: index } }));
  await world.settled({ timeoutMs: DEADLINE_MS });
  const posture = world.postureOf('d1');
  const own = Array.from({ length: 30 }, (_, index) => [`own${index}`, { value: index }]);
  expect(posture).toMatchObject({ attributes: Object.fromEntries(own), problems: [] });
  expect(posture?.agents).toHaveLength(30);
  expect(reads.getReceived()).toBeLessThan(30 * 29);
}, 60_000);
