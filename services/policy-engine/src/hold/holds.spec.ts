import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Holds, type BegunHold, type Release } from './holds.js';
import { HOLD_WINDOW_MS } from './revocation-window.js';

const NOW = Date.parse('2026-11-21T08:00:00Z');
const MINUTE = 60_000;
const terms = { for: 15 * MINUTE, above: 0.2 };

class Gateway {
  readonly begun: BegunHold[] = [];
  release: Release | undefined;
  readonly holds = new Holds(
    () => this.release,
    (hold) => void this.begun.push(hold),
  );

  constructor(public open = 10) {}

  /** Asks about a device, and notes what is then stored. */
  deny(deviceId: string, now: number, above = 0.2): number | undefined {
    const denial = { gateway: 'edge', deviceId, open: this.open, terms: { ...terms, above } };
    const until = this.holds.heldUntil(denial, now);
    this.holds.stored('edge', deviceId, until === undefined ? undefined : { until, since: now });
    return until;
  }

  denyAll(count: number, now: number, above?: number): (number | undefined)[] {
    return Array.from({ length: count }, (_, index) => this.deny(`d${index}`, now, above));
  }
}

describe('how many revocations are carried out before a hold begins', () => {
  it.each([
    { open: 10, above: 0.2, carriedOut: 2 },
    { open: 100, above: 0.29, carriedOut: 29 },
    { open: 100, above: 0.07, carriedOut: 7 },
    { open: 5, above: 1, carriedOut: 5 },
    { open: 3, above: 0.01, carriedOut: 1 },
    { open: 1, above: 0.2, carriedOut: 1 },
  ])('of $open devices with open sessions at $above: $carriedOut', ({ open, above, carriedOut }) => {
    const gateway = new Gateway(open);
    const held = gateway.denyAll(open, NOW, above).filter((until) => until !== undefined);
    expect(open - held.length).toBe(carriedOut);
    expect(new Set(held).size).toBe(held.length === 0 ? 0 : 1);
  });

  it('one device alone is never held, whatever its share; with the next one it counts', () => {
    const gateway = new Gateway(2);
    expect(gateway.deny('d1', NOW)).toBeUndefined();
    expect(gateway.deny('d2', NOW)).toBe(NOW + terms.for);
    expect(gateway.begun).toEqual([{ gateway: 'edge', until: NOW + terms.for, ...terms, devices: 2, open: 2 }]);
  });

  it('deciding again about what was let through counts nothing, also while a hold is on', () => {
    const gateway = new Gateway();
    for (let again = 0; again < 5; again += 1) expect(gateway.deny('d1', NOW)).toBeUndefined();
    expect(gateway.denyAll(10, NOW).filter((until) => until === undefined)).toHaveLength(2);
    expect(gateway.deny('d1', NOW + 1_000)).toBeUndefined();
    expect(gateway.begun).toHaveLength(1);
  });

  it.each([
    ['within a minute counts', HOLD_WINDOW_MS - 1, true],
    ['a minute ago counts no more', HOLD_WINDOW_MS, false],
  ])('what was revoked %s', (_, after, isHeld) => {
    const gateway = new Gateway();
    gateway.denyAll(2, NOW);
    expect(gateway.deny('later', NOW + after) !== undefined).toBe(isHeld);
  });

  it('the share is that of the devices that had open sessions when the minute began', () => {
    const gateway = new Gateway(10);
    gateway.denyAll(2, NOW);
    gateway.open = 1_000;
    expect(gateway.deny('later', NOW + 1_000)).toBeDefined();
  });
});

describe('while a hold is on', () => {
  it('every further denial joins it, with the same end', () => {
    const gateway = new Gateway();
    gateway.denyAll(3, NOW);
    expect(gateway.deny('later', NOW + 14 * MINUTE)).toBe(NOW + terms.for);
    expect(gateway.holds.list()).toMatchObject([
      { gateway: 'edge', since: NOW, until: NOW + terms.for, devices: new Set(['d2', 'later']) },
    ]);
  });

  it('another gateway counts for itself', () => {
    const gateway = new Gateway();
    gateway.denyAll(3, NOW);
    const denial = { gateway: 'vpn', deviceId: 'd9', open: 10, terms };
    expect(gateway.holds.heldUntil(denial, NOW)).toBeUndefined();
  });
});

describe('a hold is over', () => {
  const held = (): Gateway => {
    const gateway = new Gateway();
    gateway.denyAll(3, NOW);
    return gateway;
  };
  const until = NOW + terms.for;

  it.each<[string, Release | undefined, number, boolean]>([
    ['not before its time', undefined, until - 1, false],
    ['when its time has come', undefined, until, true],
    ['when it was released after it began', { at: NOW + 1, heldUntil: undefined }, NOW + 2, true],
    ['not by a release before it began', { at: NOW - 1, heldUntil: undefined }, NOW + 2, false],
    ['when it was released by name, whatever the clock of who did so', { at: 0, heldUntil: until }, NOW + 2, true],
    ['not by the release of one before it', { at: NOW + 1, heldUntil: until - 1 }, NOW + 2, false],
    [
      'by the release of one that ends later, if it had begun by then',
      { at: NOW, heldUntil: until + 1 },
      NOW + 2,
      true,
    ],
    ['not by that of an earlier one that ends later', { at: NOW - 1, heldUntil: until + 1 }, NOW + 2, false],
  ])('%s', (_, release, now, isOver) => {
    const gateway = held();
    gateway.release = release;
    expect(gateway.holds.isOver('edge', until, now)).toBe(isOver);
  });

  it('and the next one begins with a count of its own', () => {
    const gateway = held();
    gateway.release = { at: NOW + 1, heldUntil: until };
    expect(['a', 'b', 'c'].map((deviceId) => gateway.deny(deviceId, NOW + 2_000))).toEqual([
      undefined,
      undefined,
      NOW + 2_000 + terms.for,
    ]);
    expect(gateway.begun).toHaveLength(2);
  });

  it('when nothing waits any more, but not in the minute in which it began', () => {
    const gateway = held();
    gateway.holds.stored('edge', 'd2', undefined);
    expect(gateway.holds.list()).toEqual([]);
    expect(gateway.deny('soon', NOW + 1_000)).toBe(until);
    gateway.holds.stored('edge', 'soon', undefined);
    expect(gateway.deny('later', NOW + 2 * MINUTE)).toBeUndefined();
  });
});

it('after a restart a hold is what the stored decisions say, since the first of them', () => {
  const gateway = new Gateway();
  const until = NOW + terms.for;
  gateway.holds.stored('edge', 'd1', { until, since: NOW + 5 });
  gateway.holds.stored('edge', 'd2', { until, since: NOW });
  gateway.holds.stored('edge', 'd1', { until, since: NOW + 9 });
  expect(gateway.holds.list()).toEqual([{ gateway: 'edge', since: NOW, until, devices: new Set(['d1', 'd2']) }]);
  expect(gateway.deny('later', NOW + MINUTE)).toBe(until);
  expect(gateway.begun).toEqual([]);
});

it('within any minute no more than the share is carried out, or one device, and nothing is held while that is kept', () => {
  const pauses = fc.array(fc.oneof(fc.constant(0), fc.nat(1_000), fc.nat(90_000)), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(pauses, fc.integer({ min: 1, max: 100 }), fc.integer({ min: 3, max: 60 }), (given, percent, open) => {
      const gateway = new Gateway(open);
      const carriedOut: number[] = [];
      let now = NOW;
      for (const [index, after] of given.entries()) {
        now += after;
        const recent = carriedOut.filter((at) => at + HOLD_WINDOW_MS > now);
        const isTooMuch = recent.length > 0 && (recent.length + 1) * 100 > percent * open;
        const until = gateway.deny(`d${index}`, now, percent / 100);
        expect(until !== undefined).toBe(isTooMuch);
        if (until !== undefined) return;
        carriedOut.push(now);
      }
    }),
  );
});
