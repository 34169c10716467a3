import { describe, expect, it } from '@jest/globals';
import type { ResourceDecision } from '@stance/contracts';
import { EffectCounts, effectsIn } from './effects.js';

const decision = (effect: ResourceDecision['effect'], enforced = true): ResourceDecision => ({
  effect,
  enforced,
  reasons: [],
});

const listOf = (counts: EffectCounts) =>
  [...counts.list()].map(({ gateway, resource, effect, devices }) => `${gateway} ${resource} ${effect} ${devices}`);

describe('the effects of a decision', () => {
  it('are the same object for the same effects', () => {
    const one = effectsIn({ wiki: decision('allow'), payroll: decision('deny') });
    expect(Object.is(effectsIn({ wiki: decision('allow'), payroll: decision('deny') }), one)).toBe(true);
    expect(effectsIn({ wiki: decision('deny'), payroll: decision('deny') })).not.toBe(one);
  });

  it('tell a denial that is only reported from one that holds', () => {
    expect(effectsIn({ wiki: decision('deny', false) })).not.toBe(effectsIn({ wiki: decision('deny') }));
  });
});

describe('devices by effect', () => {
  it('are counted gateway by gateway and resource by resource', () => {
    const counts = new EffectCounts();
    counts.changed('edge', effectsIn({ wiki: decision('allow'), payroll: decision('deny') }), undefined);
    counts.changed('edge', effectsIn({ wiki: decision('allow'), payroll: decision('allow') }), undefined);
    counts.changed('vpn', effectsIn({ wiki: decision('deny', false) }), undefined);
    expect(listOf(counts)).toEqual([
      'edge wiki allow 2',
      'edge payroll deny 1',
      'edge payroll allow 1',
      'vpn wiki would-deny 1',
    ]);
  });

  it('follow a decision that changes, and one that is gone', () => {
    const counts = new EffectCounts();
    const [allowed, denied] = [effectsIn({ wiki: decision('allow') }), effectsIn({ wiki: decision('deny') })];
    counts.changed('edge', allowed, undefined);
    counts.changed('edge', denied, allowed);
    expect(listOf(counts)).toEqual(['edge wiki deny 1']);
    counts.changed('edge', undefined, denied);
    expect(listOf(counts)).toEqual([]);
  });

  it('can be of resources with any name', () => {
    const counts = new EffectCounts();
    counts.changed('edge', effectsIn({ '__proto__ "x"\n': decision('warn') }), undefined);
    expect([...counts.list()]).toEqual([{ gateway: 'edge', resource: '__proto__ "x"\n', effect: 'warn', devices: 1 }]);
  });
});
