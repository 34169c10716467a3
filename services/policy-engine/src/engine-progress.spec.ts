import { expect, it } from '@jest/globals';
import { EngineProgress } from './engine-progress.js';

it('starts at nothing', () => {
  const progress = new EngineProgress();
  expect([progress.evaluatedUpTo, progress.decidedUpTo('edge'), [...progress.gateways]]).toEqual([0, 0, []]);
});

it('is how far the furthest posture was evaluated, as they are evaluated side by side', () => {
  const progress = new EngineProgress();
  for (const sequence of [3, 7, 5]) progress.evaluated(sequence);
  expect(progress.evaluatedUpTo).toBe(7);
});

it('is told per gateway: the last decision that it has to have', () => {
  const progress = new EngineProgress();
  progress.decided('edge', 4);
  progress.decided('vpn', 9);
  progress.decided('edge', 2);
  expect([progress.decidedUpTo('edge'), progress.decidedUpTo('vpn')]).toEqual([4, 9]);
  expect([...progress.gateways]).toEqual(['edge', 'vpn']);
});
