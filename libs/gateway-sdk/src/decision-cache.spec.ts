import { describe, expect, test } from '@jest/globals';
import { DecisionCache } from './decision-cache.js';
import { ALLOW, decisionOf, DENY } from './fixtures/played-engine.js';
import { RulingTable } from './ruling-table.js';

describe('the decision cache', () => {
  test.each([
    ['newer in both revisions', { postureRevision: 6, policyRevision: 4 }, 2, true],
    ['of the same revisions, later in the stream', { postureRevision: 5, policyRevision: 3 }, 2, true],
    ['of an older posture', { postureRevision: 4, policyRevision: 9 }, 2, false],
    ['of an older policy', { postureRevision: 9, policyRevision: 2 }, 2, false],
    ['delivered again', { postureRevision: 5, policyRevision: 3 }, 1, false],
  ])('given a decision %s, takes it or not', (_case, revisions, sequence, taken) => {
    const cache = new DecisionCache();
    cache.apply(decisionOf({ postureRevision: 5, policyRevision: 3 }), 1);
    expect(cache.apply(decisionOf({ ...revisions, wiki: DENY }), sequence)).toBe(taken);
    expect(cache.get('laptop-1')?.rulings.get('wiki')?.effect).toBe(taken ? 'deny' : 'allow');
  });

  test('keeps reasons only where access is not allowed', () => {
    const cache = new DecisionCache();
    cache.apply(decisionOf({ resources: { wiki: { ...ALLOW, reasons: DENY.reasons }, git: DENY } }), 1);
    expect(cache.get('laptop-1')?.rulings.get('wiki')?.reasons).toEqual([]);
    expect(cache.get('laptop-1')?.rulings.get('git')?.reasons).toEqual(DENY.reasons);
  });

  test('lets a readable decision follow an unreadable one, but no older one', () => {
    const cache = new DecisionCache();
    cache.apply(decisionOf({ postureRevision: 5 }), 1);
    cache.applyUnreadable('laptop-1', 3);
    expect(cache.apply(decisionOf({ postureRevision: 4 }), 4)).toBe(false);
    cache.applyUnreadable('laptop-1', 2);
    expect(cache.apply(decisionOf({ postureRevision: 5 }), 5)).toBe(true);
  });
});

describe('the ruling table', () => {
  test('holds equal rulings once, and none that nobody uses', () => {
    const table = new RulingTable();
    const [one, other] = [
      { wiki: ALLOW, git: ALLOW },
      { wiki: ALLOW, git: ALLOW },
    ].map((it) => table.acquire(it).rulings);
    expect(one).toBe(other);
    expect(table.size).toBe(1);
    table.release(one ?? new Map());
    expect(table.size).toBe(1);
    table.release(other ?? new Map());
    expect(table.size).toBe(0);
  });

  test('holds the rulings of different owners once, and their owners apart', () => {
    const table = new RulingTable();
    const owners = ['Anna@example.org', 'bela@example.org'];
    const [anna, bela] = owners.map((requiresOwner) =>
      table.acquire({ wiki: { ...ALLOW, requiresOwner }, git: ALLOW }),
    );
    expect(anna?.rulings).toBe(bela?.rulings);
    expect([anna?.owner, bela?.owner]).toEqual(['anna@example.org', 'bela@example.org']);
  });

  test('never shares what is held back with what is only reported', () => {
    const table = new RulingTable();
    const reported = { ...DENY, enforced: false, reasons: [] };
    const heldUntil = '2026-03-01T09:15:00.000Z';
    const [held] = table.acquire({ wiki: { ...reported, heldUntil } }).rulings.values();
    expect(held?.heldUntil).toBe(Date.parse(heldUntil));
    expect(table.size).toBe(0);
    expect([...table.acquire({ wiki: reported }).rulings.values()]).not.toContainEqual(held);
  });

  test('never shares rulings that name two persons', () => {
    const table = new RulingTable();
    const resources = {
      wiki: { ...ALLOW, requiresOwner: 'anna@example.org' },
      git: { ...ALLOW, requiresOwner: 'bela@example.org' },
    };
    expect(table.acquire(resources).rulings).not.toBe(table.acquire(resources).rulings);
    expect(table.size).toBe(0);
  });
});
