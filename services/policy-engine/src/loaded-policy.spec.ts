import { describe, expect, it } from '@jest/globals';
import { loadPolicy, reloadPolicy } from './loaded-policy.js';
import { HEALTHY_READS_WIKI, published } from './spec/policies.js';

const NOW = Date.parse('2026-11-21T08:00:00Z');

describe('loading a published policy', () => {
  it('takes one that is sound', () => {
    const loaded = loadPolicy(published(HEALTHY_READS_WIKI, { revision: 7 }), NOW);
    expect(loaded).toMatchObject({ ok: true, revision: 7 });
    expect(loaded.ok && [...loaded.compiled.gateways.keys()]).toEqual(['edge']);
  });

  it('takes one in other than plain letters: the hash is of its UTF-8 bytes', () => {
    expect(loadPolicy(published(`# für Ärzte: 医者\n${HEALTHY_READS_WIKI}`), NOW).ok).toBe(true);
  });

  it('takes one whose own tests pass', () => {
    const document = `${HEALTHY_READS_WIKI}
tests:
  - name: a healthy device reads the wiki
    from: passing
    expect: { wiki: allow }
`;
    expect(loadPolicy(published(document), NOW)).toMatchObject({ ok: true });
  });

  it.each([
    ['that was altered on its way', published(HEALTHY_READS_WIKI, { sha256: '0'.repeat(64) }), /sha256/],
    ['that is no YAML', published('version: [1'), /./],
    ['that is empty', published(''), /./],
    [
      'that asks for a posture that is not there',
      published(HEALTHY_READS_WIKI.replace('require: [healthy]', 'require: [helthy]')),
      /no posture helthy/,
    ],
    [
      'whose own test fails, with the test’s name',
      published(`${HEALTHY_READS_WIKI}
tests:
  - name: an infected device reads the wiki
    from: passing
    device: { attributes: { 'sentinelOne:infected': true } }
    expect: { wiki: allow }
`),
      /test "an infected device reads the wiki" fails: .*wiki/,
    ],
  ])('refuses one %s', (_, policy, message) => {
    const loaded = loadPolicy(policy, NOW);
    expect(loaded.ok).toBe(false);
    expect(loaded.ok ? [] : loaded.errors).toEqual([
      expect.objectContaining({ message: expect.stringMatching(message) }),
    ]);
  });

  it('tells all errors with their lines', () => {
    const document = HEALTHY_READS_WIKI.replace('infected == false', 'infectd == false').replace(
      '[healthy]',
      '[helthy]',
    );
    const loaded = loadPolicy(published(document), NOW);
    expect(loaded.ok ? [] : loaded.errors.map(({ line }) => line)).toEqual([5, 12]);
  });
});

const EXCEPTION_THAT_ENDS = `${HEALTHY_READS_WIKI}
exceptions:
  - device: laptop-1
    rule: everyone healthy reads the wiki
    waive: [healthy]
    until: 2026-12-01T00:00:00Z
    reason: replacement ordered
    approvedBy: security@example.com
tests:
  - name: the laptop reads the wiki for now
    device: { id: laptop-1, attributes: { 'sentinelOne:infected': true } }
    expect: { wiki: allow }
`;

describe('loading a policy that was in force already', () => {
  it('runs no tests of it: they may speak of a time that has passed', () => {
    const policy = published(EXCEPTION_THAT_ENDS);
    expect(loadPolicy(policy, NOW).ok).toBe(true);
    expect(loadPolicy(policy, Date.parse('2026-12-02T00:00:00Z')).ok).toBe(false);
    expect(reloadPolicy(policy)).toMatchObject({ ok: true, revision: 1 });
  });

  it('refuses one that is not sound any more', () => {
    expect(reloadPolicy(published('version: [1')).ok).toBe(false);
    expect(reloadPolicy(published(HEALTHY_READS_WIKI, { sha256: '0'.repeat(64) })).ok).toBe(false);
  });
});

it('what is thrown while a policy is loaded refuses it', () => {
  const beyondTime = Number.NaN;
  expect(loadPolicy(published(EXCEPTION_THAT_ENDS), beyondTime)).toEqual({
    ok: false,
    revision: 1,
    errors: [{ message: expect.stringMatching(/^its own tests cannot be run, by a defect of Stance: ./) }],
  });
});
