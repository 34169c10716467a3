import { describe, expect, it } from '@jest/globals';
import { TokenGate } from './token-gate.js';

const MINUTE = 60_000;

/** A gate whose time and token the test moves. */
function gateOf() {
  const world = { now: 0, token: 'first' as string | undefined };
  const stopping = new AbortController();
  const gate = new TokenGate(
    () => world.token,
    () => world.now,
  );
  const enter = (mayTry = true) => gate.enter(mayTry, stopping.signal);
  /** Whether somebody who asks now is let through by the next turn of the event loop. */
  const isOpen = async () => {
    const asking = new AbortController();
    const waits = Symbol('waits');
    const turn = new Promise((resolve) => setImmediate(() => resolve(waits)));
    const pass = gate.enter(false, asking.signal);
    const outcome = await Promise.race([pass, turn]);
    asking.abort();
    return outcome !== waits;
  };
  return { world, stopping, gate, enter, isOpen };
}

describe('a token that is accepted', () => {
  it('lets every lane ask', async () => {
    const { enter, isOpen } = gateOf();
    expect(await enter(false)).toEqual({ token: 'first', isTrial: false });
    expect(await isOpen()).toBe(true);
  });
});

describe('a token that was refused', () => {
  it('keeps every lane waiting, and those that asked together count as one', async () => {
    const { gate, enter, isOpen } = gateOf();
    const [one, other] = [await enter(), await enter(false)];
    expect(gate.refused(one, MINUTE)).toBe(true);
    expect(gate.refused(other, MINUTE)).toBe(false);
    expect(await isOpen()).toBe(false);
  });

  it('is tried again by a single lane when the pause is over; the others go on when it is accepted', async () => {
    const { gate, world, enter, isOpen } = gateOf();
    gate.refused(await enter(), MINUTE);
    world.now = MINUTE;
    const trial = await enter();
    expect(trial.isTrial).toBe(true);
    expect(await isOpen()).toBe(false);
    const waiting = enter(false);
    gate.left(trial, true);
    expect(await waiting).toEqual({ token: 'first', isTrial: false });
    expect(await isOpen()).toBe(true);
  });

  it('is another one than was there when it was asked with: whichever is there now is tried at once', async () => {
    const { gate, world, enter } = gateOf();
    const pass = await enter();
    // It was replaced before the request went out, and the request was refused with the new one; then it is put back.
    world.token = 'second';
    gate.refused(pass, MINUTE);
    world.token = 'first';
    expect((await enter()).isTrial).toBe(true);
  });

  it('stays refused when the trial fails, for whatever reason', async () => {
    const { gate, world, enter, isOpen } = gateOf();
    gate.refused(await enter(), MINUTE);
    world.now = MINUTE;
    gate.left(await enter(), false);
    expect(await isOpen()).toBe(false);
    const trial = await enter();
    expect(gate.refused(trial, 2 * MINUTE)).toBe(true);
    world.now = 2 * MINUTE;
    expect(await isOpen()).toBe(false);
  });

  it('is replaced by another one at once', async () => {
    const { gate, world, enter } = gateOf();
    gate.refused(await enter(), MINUTE);
    world.token = 'second';
    expect(await enter()).toEqual({ token: 'second', isTrial: true });
  });

  it('is not taken for accepted because of an attempt from before it was refused', async () => {
    const { gate, enter, isOpen } = gateOf();
    const [early, refused] = [await enter(false), await enter()];
    gate.refused(refused, MINUTE);
    gate.left(early, true);
    expect(await isOpen()).toBe(false);
  });

  it('holds nobody who is told to stop', async () => {
    const { gate, stopping, enter } = gateOf();
    gate.refused(await enter(), MINUTE);
    const waiting = enter();
    stopping.abort();
    await expect(waiting).resolves.toMatchObject({ isTrial: false });
  });
});
