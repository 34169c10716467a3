import { describe, expect, it } from '@jest/globals';
import type { KnownAgent } from './observation.js';
import { retirementAfter } from './sweep.js';

const STARTED = '2026-11-21T12:00:00.000Z';
const EARLIER = '2026-11-21T11:00:00.000Z';

const agent = (agentId: string, overrides: Partial<KnownAgent> = {}): KnownAgent => ({
  agentId,
  presence: 'present',
  digest: '-',
  reportedAt: undefined,
  lastSeenAt: undefined,
  observedAt: EARLIER,
  ...overrides,
});

const fleet = (size: number) => Array.from({ length: size }, (_, index) => agent(String(index)));
const idsOf = (agents: readonly KnownAgent[]) => agents.map(({ agentId }) => agentId);
const seenAllBut = (agents: readonly KnownAgent[], absent: number) => new Set(idsOf(agents.slice(absent)));

describe('a complete sweep', () => {
  it('shows who is gone: known as present, not seen, not observed since it started', () => {
    const known = [
      agent('seen'),
      agent('absent'),
      agent('gone already', { presence: 'gone' }),
      agent('observed by a poll meanwhile', { observedAt: STARTED }),
    ];
    const retirement = retirementAfter(known, new Set(['seen']), STARTED, 0.1);
    expect(retirement.allowed && idsOf(retirement.absent)).toEqual(['absent']);
  });

  it.each([
    [100, 10, 0.1],
    [100, 100, 1],
    [1_000, 55, 0.055],
  ])('of %d agents may retire %d at a limit of %d, and not one more', (size, most, limit) => {
    const known = fleet(size);
    expect(retirementAfter(known, seenAllBut(known, most), STARTED, limit).allowed).toBe(true);
    if (most === size) return;
    const retirement = retirementAfter(known, seenAllBut(known, most + 1), STARTED, limit);
    expect(retirement).toMatchObject({ allowed: false, limit: most });
    expect(retirement.absent).toHaveLength(most + 1);
  });

  it('of a small fleet may retire a few, whatever share they are', () => {
    const known = fleet(5);
    expect(retirementAfter(known, seenAllBut(known, 3), STARTED, 0.1).allowed).toBe(true);
    expect(retirementAfter(known, seenAllBut(known, 4), STARTED, 0.1).allowed).toBe(false);
  });

  it('that shows nobody of a fleet is not believed', () => {
    for (const size of [1, 3, 50]) expect(retirementAfter(fleet(size), new Set(), STARTED, 0.1).allowed).toBe(false);
  });

  it('of a source without agents retires nobody', () => {
    expect(retirementAfter([], new Set(), STARTED, 0.1)).toEqual({ allowed: true, absent: [] });
  });
});
