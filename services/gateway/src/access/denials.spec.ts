import { describe, expect, test } from '@jest/globals';
import type { Reason } from '@stance/contracts';
import type { Verdict } from '@stance/gateway-sdk';
import { Denials } from './denials.js';

const infected: readonly Reason[] = [{ code: 'condition-false', message: 'This machine is infected.' }];
const stale: readonly Reason[] = [{ code: 'attribute-stale', message: 'Not seen for 3 days.' }];
const wiki = { deviceId: 'laptop-1', resource: 'wiki' };
const WARN: Verdict = {
  effect: 'warn',
  allowed: true,
  enforced: true,
  reasons: stale,
  revisions: { posture: 7, policy: 3 },
  until: '2026-01-05T12:00:00.000Z',
};

const limited = (kept: number, now: () => number = () => 0) => {
  const limits = { kept, ofDevice: 3, forMs: 1_000 };
  return new Denials('edge', now, { proved: limits, unproved: limits });
};

describe('denials', () => {
  test('have one id for one who asks again for the same reasons, and another for others', () => {
    const denials = new Denials('edge', () => Date.parse('2026-01-05T10:00:00Z'));
    const first = denials.record(wiki, infected);
    expect(denials.record(wiki, [...infected])).toBe(first);
    expect(denials.record(wiki, stale).denialId).not.toBe(first.denialId);
    const other = { ...wiki, deviceId: 'laptop-2' };
    expect(denials.record(other, infected).denialId).not.toBe(first.denialId);
    expect(denials.get(first.denialId)).toEqual({
      denialId: first.denialId,
      gateway: 'edge',
      effect: 'deny',
      ...wiki,
      reasons: infected,
      deniedAt: '2026-01-05T10:00:00.000Z',
    });
  });

  test('are bounded: the oldest go first', () => {
    const denials = limited(2);
    const idOf = (deviceId: string) => denials.record({ ...wiki, deviceId }, infected).denialId;
    const ids = ['a', 'b', 'c'].map(idOf);
    expect(ids.map((id) => denials.get(id) !== undefined)).toEqual([false, true, true]);
    expect(idOf('a')).not.toBe(ids[0]);
  });

  test('of proved devices are not pushed out by whoever proves none', () => {
    const denials = limited(2);
    const { denialId } = denials.record(wiki, infected);
    for (let header = 0; header < 10; header += 1) {
      denials.record({}, [{ code: 'identity-forged', message: `The header X-${header} came twice.` }]);
    }
    expect(denials.get(denialId)).toBeDefined();
  });

  test('of one device are bounded: its own oldest go first, and nobody else loses any', () => {
    const denials = new Denials('edge');
    const kept = (id: string) => denials.get(id) !== undefined;
    const { denialId: ofOther } = denials.record({ ...wiki, deviceId: 'laptop-2' }, infected);
    const ids = Array.from({ length: 10_001 }, (_, index) => {
      return denials.record({ ...wiki, resource: `app-${index}` }, infected).denialId;
    });
    expect(kept(ofOther)).toBe(true);
    expect(ids.filter(kept)).toEqual(ids.slice(-100));
  });

  test('are kept for a while', () => {
    let now = 0;
    const denials = limited(10, () => now);
    const { denialId } = denials.record(wiki, infected);
    now = 999;
    expect(denials.get(denialId)).toBeDefined();
    now = 1_000;
    expect(denials.get(denialId)).toBeUndefined();
  });

  test('are kept of warnings too, with their end', () => {
    const denials = new Denials('edge');
    const asker = { ...wiki, proof: 'token' } as const;
    const warning = denials.recordWarning({ asker, verdict: WARN });
    expect(warning).toMatchObject({ effect: 'warn', ...wiki, reasons: stale, until: WARN.until });
    expect(warning).not.toHaveProperty('proof');
    expect(denials.get(warning?.denialId ?? '')).toBe(warning);
    expect(denials.record(asker, stale).denialId).not.toBe(warning?.denialId);
    expect(denials.recordWarning({ asker, verdict: { ...WARN, effect: 'allow' } })).toBeUndefined();
  });
});
