import { describe, expect, test } from '@jest/globals';
import { parseRules } from './rules.js';
import { scaledRules } from './scaled-rules.js';

const RULES = `groups:
  - name: some
    rules:
      - alert: StanceSome
        expr: min_over_time(age[5m]) > 24 * 60 and (x unless x offset 1h30m) / 300 < 5
        for: 10m
        labels: { severity: warning }
`;

describe('rules with less patience', () => {
  test('have shorter durations and ranges, and the same thresholds', () => {
    const [group] = parseRules(scaledRules(RULES, 30, 1_000)).groups;
    expect(group?.rules).toEqual([
      {
        alert: 'StanceSome',
        expr: 'min_over_time(age[10s]) > 24 * 60 and (x unless x offset 180s) / 300 < 5',
        for: '20s',
        labels: { severity: 'warning' },
      },
    ]);
  });

  test('are no shorter than what can still be observed', () => {
    expect(parseRules(scaledRules(RULES, 3_000, 2_500)).groups[0]?.rules[0]).toMatchObject({ for: '2500ms' });
  });
});
