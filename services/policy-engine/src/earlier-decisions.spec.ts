import { expect, it } from '@jest/globals';
import type { GraceState } from '@stance/contracts';
import type { Verdict } from './decision.js';
import { earlierDecisions } from './earlier-decisions.js';

const FIRST = '2026-11-20T08:00:00.000Z';
const grace = (failingSince?: string): GraceState => ({
  rule: 'everyone',
  posture: 'current',
  ...(failingSince !== undefined && { failingSince }),
});
const verdict = (graces: GraceState[], overrides: Partial<Verdict> = {}): Verdict => ({
  resources: {},
  graces,
  reviewAt: null,
  ...overrides,
});

const earlier = (edge: Verdict, vpn: Verdict) =>
  earlierDecisions(
    'vpn',
    () =>
      new Map([
        ['edge', edge],
        ['vpn', vpn],
      ]),
    () => [],
  );

it('a memory that stood still at one gateway does not hide what another one knows', () => {
  expect(earlier(verdict([grace(FIRST)]), verdict([grace()])).past().graces).toEqual([grace(FIRST)]);
});

it('of a policy in report mode only what it remembers itself counts', () => {
  const beside = (policyRevision: number, failingSince?: string) =>
    verdict([], { shadow: { policyRevision, resources: {}, graces: [grace(failingSince)] } });
  expect(earlier(beside(2, FIRST), beside(2)).shadowPast(2).graces).toEqual([grace(FIRST)]);
  expect(earlier(beside(1, FIRST), beside(2)).shadowPast(2).graces).toEqual([grace()]);
});
