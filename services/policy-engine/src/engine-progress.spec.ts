import { expect, it } from '@jest/globals';
import { EngineProgress } from './engine-progress.js';

it('starts at nothing', () => {
  const progress = new EngineProgress();
  expect([progress.decidedUpTo('edge'), [...progress.gateways]]).toEqual([0, []]);
});

it('is told per gateway: the last decision that it has to have', () => {
  const progress = new EngineProgress();
  progress.decided('edge', 4);
  progress.decided('vpn', 9);
  progress.decided('edge', 2);
  expect([progress.decidedUpTo('edge'), progress.decidedUpTo('vpn')]).toEqual([4, 9]);
  expect([...progress.gateways]).toEqual(['edge', 'vpn']);
});

it('knows the newest policy by which anything was decided, also of a decision that is gone', () => {
  const progress = new EngineProgress();
  expect(progress.decidedRevision).toBe(0);
  progress.decided('edge', 1, 7);
  progress.decided('vpn', 2, 5);
  progress.decided('edge', 3);
  expect(progress.decidedRevision).toBe(7);
});
