import { describe, expect, test } from '@jest/globals';
import type { DeadLetterSummary } from '../records/dead-letters.js';
import { payloadLines } from './dead-letters-payload.js';
import { deadLetterColumns } from './dead-letters.js';
import { noPaint } from './paint.js';
import { tableLines } from './table.js';

describe('the payload of a dead letter', () => {
  test.each([
    [
      'an object',
      '{"a":{"b":[1,-2.50,true]},"c":"x, {y}: \\"z\\""}',
      [
        '{',
        '  "a": {',
        '    "b": [',
        '      1,',
        '      -2.50,',
        '      true',
        '    ]',
        '  },',
        '  "c": "x, {y}: \\"z\\""',
        '}',
      ],
    ],
    ['what is empty', ' { "a" : { } , "b" : [ ] } ', ['{', '  "a": {},', '  "b": []', '}']],
    ['keys that are there twice', '{"a":1,"a":2}', ['{', '  "a": 1,', '  "a": 2', '}']],
    ['a value alone', '"x"', ['"x"']],
    ['control characters', '["\u009b","\u202e","\\u001b"]', ['[', '  "�",', '  "�",', '  "\\u001b"', ']']],
    ['broken JSON', '{"a":\n1', ['{"a":', '1']],
    ['text of several lines', 'a\r\n\tb\n', ['a�', '�b', '']],
  ])('is laid out: %s', (_, payload, lines) => {
    expect(payloadLines(payload, 'utf8')).toEqual(lines);
  });

  test('is indented as deep as stays readable, and no deeper', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`;
    expect(payloadLines(nested(16), 'utf8')).toHaveLength(33);
    expect(payloadLines(nested(17), 'utf8')).toEqual([nested(17)]);
  });

  test('is base64 in lines', () => {
    expect(payloadLines('A'.repeat(80), 'base64')).toEqual(['A'.repeat(76), 'AAAA']);
    expect(payloadLines('\u001b', 'base64')).toEqual(['�']);
  });
});

describe('the table of dead letters', () => {
  const now = Date.parse('2026-01-05T10:12:00.000Z');
  const letter: DeadLetterSummary = {
    sequence: 7,
    diedAt: '2026-01-05T10:00:00.000Z',
    service: 'device-matcher',
    event: 'agent.observed',
    originalSubject: 'stance.agent.observed.v1.office-console.101',
    reason: { code: 'malformed', message: 'specversion: Invalid input: expected "1.0"' },
    attempts: 1,
  };

  test('says of each what it was about', () => {
    const ofNone = { ...letter, event: null, originalSubject: 'stance.nothing' };
    const ofAll = { ...letter, event: 'policy.published', originalSubject: 'stance.policy.published.v1' };
    const [, ...lines] = tableLines(deadLetterColumns(now), [letter, ofNone, ofAll], 200, noPaint);
    expect(lines.map((line) => line.trim().split(/ {2,}/).slice(1, 6))).toEqual([
      ['12 min ago', 'device-matcher', 'agent.observed', 'office-console.101', 'malformed'],
      ['12 min ago', 'device-matcher', '-', 'stance.nothing', 'malformed'],
      ['12 min ago', 'device-matcher', 'policy.published', '-', 'malformed'],
    ]);
  });

  test('fits a narrow terminal, with sequence and code whole', () => {
    const lines = tableLines(deadLetterColumns(now), [letter], 80, noPaint);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[1]).toMatch(/^ +7 .* malformed /);
  });
});
