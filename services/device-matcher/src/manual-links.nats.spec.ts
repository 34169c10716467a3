import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { waitFor } from '@stance/testing';
import { World, type Register } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startMatcher();
  await world.record('d1', 'ABC-1111');
  await world.record('d2', 'ABC-2222');
  await world.observe('a1', 'ABC-1111');
  await world.observe('a2', 'None');
  // What links come upon: they are in a stream of their own, and might be read first.
  await world.settled();
});

const expectRegisters = (expected: Record<string, Partial<Register>>) => world.expectRegisters(expected);

const linked = (device: string) => ({ state: 'matched', device, by: 'manual', trust: 'verified' }) as const;

it('match an agent that nothing else would, until they are taken back', async () => {
  await world.link('a2', 'd2');
  await expectRegisters({ a2: linked('d2') });
  await world.link('a2', undefined);
  await expectRegisters({
    a2: { state: 'unmatched', device: null, problem: 'placeholder-serial', previousDevice: 'd2' },
  });
});

it('go before what the keys say: who has the device by its serial number loses it', async () => {
  await world.link('a2', 'd1');
  await expectRegisters({ a2: linked('d1'), a1: { state: 'unmatched', device: null, problem: 'linked-elsewhere' } });
  await world.link('a2', undefined);
  await expectRegisters({ a1: { state: 'matched', device: 'd1', by: 'serial' }, a2: { state: 'unmatched' } });
});

it('move an agent to another device', async () => {
  await world.link('a1', 'd2');
  await expectRegisters({ a1: { ...linked('d2'), previousDevice: 'd1' } });
});

it('are heeded as soon as the agent or the device is there', async () => {
  await world.link('a3', 'd3');
  await world.observe('a3', 'None');
  await expectRegisters({ a3: { state: 'unmatched', problem: 'placeholder-serial' } });
  await world.record('d3', 'ABC-3333');
  await expectRegisters({ a3: linked('d3') });
});

it('survive restarts, the last word counting', async () => {
  await world.link('a2', 'd2');
  await world.link('a2', undefined);
  await world.link('a2', 'd2');
  await expectRegisters({ a2: linked('d2') });
  await world.stopMatcher();
  await world.startMatcher();
  await world.observe('a2', 'None');
  await expectRegisters({ a2: linked('d2') });
});

it('tell twins apart: the other one stays in question', async () => {
  await world.record('twin1', 'ABC-5555');
  await world.record('twin2', 'ABC-5555');
  await world.observe('a5', 'ABC-5555');
  await world.observe('a6', 'ABC-5555');
  await expectRegisters({ a5: { candidates: ['twin1', 'twin2'] } });
  await world.link('a5', 'twin1');
  await expectRegisters({ a5: linked('twin1'), a6: { state: 'quarantined', candidates: ['twin2'] } });
});

it('end when their time has come', async () => {
  await world.link('a2', 'd2');
  await expectRegisters({ a2: linked('d2') });
  const end = Date.now() + 1_500;
  await world.link('a2', 'd2', new Date(end).toISOString());
  await waitFor(() => world.registerOf('a2')?.state === 'unmatched', { what: 'the link to end' });
  expect(Date.now()).toBeGreaterThanOrEqual(end);
  expect(world.registerOf('a2')).toMatchObject({ previousDevice: 'd2', problem: 'placeholder-serial' });
});

it('that have ended while nobody was there count no more', async () => {
  await world.link('a2', 'd2');
  await expectRegisters({ a2: linked('d2') });
  const end = Date.now() + 1_500;
  await world.link('a2', 'd2', new Date(end).toISOString());
  await world.settled();
  await world.stopMatcher();
  await waitFor(() => Date.now() > end, { what: 'the link to end' });
  await world.startMatcher();
  await waitFor(() => world.registerOf('a2')?.state === 'unmatched', {
    what: 'the link to be taken back',
  });
});
