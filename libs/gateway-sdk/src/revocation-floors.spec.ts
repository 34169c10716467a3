import { expect, test } from '@jest/globals';
import { RevocationFloors } from './revocation-floors.js';

test.each([
  ['reaches neither revision', { posture: 4, policy: 2 }, true],
  ['reaches only the posture', { posture: 9, policy: 2 }, true],
  ['reaches only the policy', { posture: 4, policy: 9 }, true],
  ['reaches both', { posture: 5, policy: 3 }, false],
])('after a revocation, a decision that %s', (_case, decision, stillAwaited) => {
  const floors = new RevocationFloors();
  floors.raise('laptop-1', 'wiki', { posture: 5, policy: 3 }, undefined);
  floors.settle('laptop-1', decision);
  expect(floors.get('laptop-1', 'wiki') !== undefined).toBe(stillAwaited);
  expect(floors.size).toBe(stillAwaited ? 1 : 0);
});

test('a revocation that the held decision answers already asks for nothing', () => {
  const floors = new RevocationFloors();
  floors.raise('laptop-1', 'wiki', { posture: 5, policy: 3 }, { posture: 5, policy: 3 });
  expect(floors.get('laptop-1', 'wiki')).toBeUndefined();
});

test('of two revocations the higher revisions count, for their own resource alone', () => {
  const floors = new RevocationFloors();
  floors.raise('laptop-1', 'wiki', { posture: 5, policy: 3 }, undefined);
  floors.raise('laptop-1', 'wiki', { posture: 4, policy: 6 }, undefined);
  expect(floors.get('laptop-1', 'wiki')).toEqual({ posture: 5, policy: 6 });
  expect(floors.get('laptop-1', 'git')).toBeUndefined();
});
