import { describe, expect, test } from '@jest/globals';
import { TrailAt, type AuditRecord } from './trail-at.js';

const hash = 'a'.repeat(64);
let position = 0;

/** The next place in the chain. */
function placed(content: Pick<AuditRecord, 'kind'> & Partial<AuditRecord>): AuditRecord {
  position += 1;
  return { stream: 'S', device: 'd', sequence: position, position, previousHash: hash, hash, ...content };
}

const fact = (subject: string, storedAt: string) => placed({ kind: 'event', subject, storedAt });
const gap = () => placed({ kind: 'gap', lastMissing: position });

function trailOf(at: string, ...records: AuditRecord[]): TrailAt {
  const trail = new TrailAt(Date.parse(at));
  for (const record of records) trail.take(record);
  return trail;
}

describe('what the trail tells of a moment', () => {
  test('is the last fact of each subject that was stored by then, to the millisecond', () => {
    const [first, second, late] = [
      fact('a', '2026-01-05T09:00:00.000000001Z'),
      fact('a', '2026-01-05T10:00:00.000999999Z'),
      fact('a', '2026-01-05T10:00:00.001Z'),
    ];
    const other = fact('b', '2026-01-05T08:00:00Z');
    const trail = trailOf('2026-01-05T10:00:00.000Z', first, second, late, other);
    expect(trail.last('a')).toBe(second);
    expect(trail.lastsOf('S')).toEqual([second, other]);
    expect(trail.nextOf('S')).toBe(late);
    expect(trailOf('2026-01-05T07:00:00Z', first, other).lastsOf('S')).toEqual([]);
  });

  test('lacks what fell into a gap between it and what came next, and nothing else', () => {
    const [before, a, between, b, after] = [
      gap(),
      fact('a', '2026-01-05T09:00:00Z'),
      gap(),
      fact('a', '2026-01-05T11:00:00Z'),
      gap(),
    ];
    const records = [before, a, between, b, after] as const;
    expect(trailOf('2026-01-05T08:00:00Z', ...records).gapsThatMatter('S')).toEqual([before]);
    expect(trailOf('2026-01-05T10:00:00Z', ...records).gapsThatMatter('S')).toEqual([between]);
    expect(trailOf('2026-01-05T12:00:00Z', ...records).gapsThatMatter('S')).toEqual([after]);
    expect(trailOf('2026-01-05T10:00:00Z', ...records).gapsThatMatter('T')).toEqual([]);
  });
});
