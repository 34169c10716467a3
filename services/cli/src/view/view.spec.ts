import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import type { Explanation } from '@stance/contracts';
import { infected } from '../fixtures/facts.js';
import { csvText } from './csv.js';
import { explanationLines } from './explanation.js';
import { happeningLine } from './happening.js';
import { policyErrorLines } from './policy-errors.js';
import { noPaint } from './paint.js';
import { Screen } from './screen.js';
import { tableLines } from './table.js';
import { displayWidth, durationText, escapedJson, plain, relativeTime, truncate, wrapped } from './text.js';
import { treeLines } from './tree.js';

describe('text', () => {
  test.each([
    ['\u001b[2Jcleared', '�[2Jcleared'],
    ['two\nlines', 'two�lines'],
    ['right\u202Eleft', 'right�left'],
    ['Zürich 東京', 'Zürich 東京'],
  ])('%j is shown as %j', (text, shown) => {
    expect(plain(text)).toBe(shown);
  });

  test.each([
    ['laptop', 10, 'laptop'],
    ['laptop-of-somebody', 10, 'laptop-of…'],
    ['東京都庁', 5, '東京…'],
  ])('%s in %i columns is %s', (text, width, cut) => {
    expect(truncate(text, width)).toBe(cut);
    expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
  });

  test.each([
    [41, '41 ms'],
    [3_240, '3.2 s'],
    [61_000, '1 min'],
    [7_300_000, '2 h'],
    [200_000_000, '2 d'],
  ])('%i milliseconds are %s', (milliseconds, text) => {
    expect(durationText(milliseconds)).toBe(text);
  });

  test('a time is told from now, before and after', () => {
    const now = Date.parse('2026-01-05T10:00:00.000Z');
    expect(relativeTime('2026-01-05T09:59:48.000Z', now)).toBe('12 s ago');
    expect(relativeTime('2026-01-05T11:00:00.000Z', now)).toBe('in 1 h');
    expect(relativeTime('2026-01-05T09:59:47.300Z', now)).toBe('12 s ago');
    expect(relativeTime('2026-01-05T10:00:00.400Z', now)).toBe('just now');
    expect(relativeTime(undefined, now)).toBe('-');
  });
});

describe('sentences', () => {
  test.each([
    ['in one line where they fit', 'one two', 7, ['one two']],
    ['between words where they do not', 'one two three', 9, ['  one two', '  three']],
    ['a word that is too long has its own line', 'a laptop-of-somebody b', 6, ['  a', '  laptop-of-somebody', '  b']],
  ])('%s', (_, text, width, lines) => {
    expect(wrapped(text, width, lines.length > 1 ? '  ' : '')).toEqual(lines);
  });
});

test.each([
  [{ isTTY: true, columns: 60 }, 60],
  [{ isTTY: true, columns: 0 }, 80],
  [{ isTTY: true }, 80],
  [{}, Number.POSITIVE_INFINITY],
])('an output that is %j has %d columns', (output, width) => {
  expect(new Screen(Object.assign(new PassThrough(), output), {}).width).toBe(width);
});

test('JSON shown on a terminal rewrites no screen and loses nothing', () => {
  const value = { hostname: '\u009B2J\u202Eexe', note: 'two\nlines' };
  const text = escapedJson(value, 2);
  expect(text).toContain('\\u009b2J\\u202eexe');
  expect(JSON.parse(text)).toEqual(value);
});

describe('CSV', () => {
  const columns = [
    { name: 'host', value: ({ host }: { host?: string }) => host },
    { name: 'n', value: () => '1' },
  ];
  test.each([
    ['LT-1', 'LT-1'],
    [undefined, ''],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi"""'],
    ['two\r\nlines', 'two��lines'],
    ['\u001B]0;title\u0007', '�]0;title�'],
    ['=HYPERLINK("x")', '"\'=HYPERLINK(""x"")"'],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(1)', "'@SUM(1)"],
    ['\t=1', '�=1'],
    [' =1', " '=1"],
    ['a;=1+1', "a;'=1+1"],
    ['a; @SUM(1)', "a; '@SUM(1)"],
    ['a;"=1', `"a;""'=1"`],
    ['a,-1', `"a,'-1"`],
    ['a;b;+1', "a;b;'+1"],
    ['＝1', "'＝1"],
    ['a=b', 'a=b'],
    ['a-b; c-d', 'a-b; c-d'],
  ])('%j is written as %j', (host, cell) => {
    expect(csvText(columns, [host === undefined ? {} : { host }])).toBe(`host,n\r\n${cell},1\r\n`);
  });
});

describe('tables', () => {
  const columns = [
    { title: 'ID', value: ({ id }: Row) => id, whole: true },
    { title: 'N', value: ({ n }: Row) => String(n), alignRight: true },
    { title: 'COMMENT', value: ({ comment }: Row) => comment },
  ];
  interface Row {
    readonly id: string;
    readonly n: number;
    readonly comment: string;
  }
  const rows = [
    { id: 'laptop-of-the-office', n: 7, comment: 'short' },
    { id: 'x', n: 12, comment: 'a long comment that does not fit' },
  ];

  test('columns are as wide as their content', () => {
    expect(tableLines(columns, rows, Infinity, noPaint)).toEqual([
      'ID                     N  COMMENT',
      'laptop-of-the-office   7  short',
      'x                     12  a long comment that does not fit',
    ]);
  });

  test('what is not an id is cut first, and no line is wider than the terminal', () => {
    expect(tableLines(columns, rows, 40, noPaint)).toEqual([
      'ID                     N  COMMENT',
      'laptop-of-the-office   7  short',
      'x                     12  a long commen…',
    ]);
    for (const line of tableLines(columns, rows, 24, noPaint)) expect(displayWidth(line)).toBeLessThanOrEqual(24);
  });

  test('what can be spared is left out before an id is cut, the last first', () => {
    const spared = columns.map((column, index) => ({ ...column, spare: index > 0 }));
    expect(tableLines(spared, rows, 24, noPaint)).toEqual([
      'ID                     N',
      'laptop-of-the-office   7',
      'x                     12',
    ]);
    expect(tableLines(spared, rows, 20, noPaint)).toEqual(['ID', 'laptop-of-the-office', 'x']);
  });

  test('styles do not change the width', () => {
    const styled = columns.map((column) => ({ ...column, style: () => 'red' as const }));
    const painted = tableLines(styled, rows, 40, (style, text) => `<${style}>${text}</>`);
    expect(painted[1]).toBe('<red>laptop-of-the-office</>   <red>7</>  <red>short</>');
  });
});

test('a tree draws its branches', () => {
  const tree = { text: 'root', children: [{ text: 'a', children: [{ text: 'b' }] }, undefined, { text: 'c' }] };
  expect(treeLines(tree)).toEqual(['root', '├─ a', '│  └─ b', '└─ c']);
});

describe('explanations', () => {
  const explanation: Explanation = {
    deviceId: 'laptop-1',
    resource: 'wiki',
    effect: 'deny',
    enforced: true,
    reasons: [infected],
    changes: [],
    rules: [
      {
        name: 'staff',
        effect: 'allow',
        applies: true,
        verdict: 'false',
        conditions: [
          {
            text: 'sentinelOne:infected == false',
            posture: 'healthy',
            verdict: 'false',
            attribute: 'sentinelOne:infected',
            expected: '== false',
            actual: true,
            source: 'office-console',
            agentId: '101',
            age: 12,
            reason: infected,
          },
        ],
      },
      {
        name: 'contractors',
        effect: 'allow',
        applies: false,
        notApplicable: 'It is for group contractors only.',
        verdict: 'false',
        conditions: [],
      },
    ],
    problems: ['conflict'],
    postureRevision: 1,
    policyRevision: 3,
    evaluatedAt: '2026-01-05T10:00:00.000Z',
    reviewAt: '2026-01-05T11:00:00.000Z',
    decisions: [
      {
        gateway: 'office',
        decidedAt: '2026-01-05T09:59:59.000Z',
        decision: { effect: 'deny', enforced: false, reasons: [infected] },
      },
    ],
  };

  test('reads from the outcome down to the value that decides', () => {
    expect(explanationLines(explanation, Date.parse('2026-01-05T10:00:00.000Z'), noPaint)).toEqual([
      'laptop-1 → wiki: deny',
      '├─ because',
      '│  └─ The agent reports an infection: clean it. [condition-false]',
      '├─ problems of the device',
      '│  └─ conflict',
      '├─ rules',
      '│  ├─ ✗ staff (allow): false',
      '│  │  └─ ✗ sentinelOne:infected == false (posture healthy)',
      '│  │     ├─ expected == false, actual true, from office-console/101, confirmed 12 s ago',
      '│  │     └─ The agent reports an infection: clean it. [condition-false]',
      '│  └─ - contractors (allow) does not apply. It is for group contractors only.',
      '├─ gateways hold',
      '│  └─ office: deny (reported only), decided 1 s ago',
      '└─ posture revision 1, policy revision 3, evaluated just now, to be reviewed in 1 h',
    ]);
  });
});

describe('lines of watch', () => {
  const common = {
    time: '2026-01-05T10:00:00.041Z',
    deviceId: 'laptop-1',
    gateway: 'office',
    resource: 'wiki',
    reasons: [infected, infected],
  };
  test('a decision shows the change', () => {
    const line = happeningLine(
      { ...common, kind: 'decision', before: 'allow', effect: 'deny', reactionMs: 20 },
      noPaint,
    );
    expect(line).toBe(
      '10:00:00.041  decision  laptop-1 → wiki @ office  allow → deny  after 20 ms  The agent reports an infection: clean it. [condition-false]  and 1 more',
    );
  });

  test('a cut session shows whose it was', () => {
    const line = happeningLine(
      {
        ...common,
        kind: 'session',
        effect: 'deny',
        cause: 'revoked',
        sessionId: 's-1',
        user: 'one',
        reactionMs: 41,
        reasons: [],
      },
      noPaint,
    );
    expect(line).toBe('10:00:00.041  ended     laptop-1 → wiki @ office  session s-1 of one cut  after 41 ms');
  });
});

test('a line of watch shows what a person did', () => {
  const line = happeningLine(
    {
      time: '2026-01-05T10:00:00.041Z',
      kind: 'operation',
      operation: 'manual-link',
      targetId: 'office-console/102',
      deviceId: 'laptop-2',
      by: 'ana',
      reason: 'new\nboard',
      until: '2026-02-01T00:00:00.000Z',
    },
    noPaint,
  );
  expect(line).toBe(
    '10:00:00.041  operator  office-console/102 → laptop-2  linked by hand  by ana: new�board  until 2026-02-01T00:00:00.000Z',
  );
});

describe('policy errors', () => {
  const document = 'version: 1\n\tname: é wrong\n';
  test.each([
    [{ message: 'no', line: 2, column: 9 }, ['p.yaml:2:9: no', '  2 |  name: é wrong', '              ^']],
    [{ message: 'no', line: 9, column: 1 }, ['p.yaml:9:1: no']],
    [{ message: 'no' }, ['p.yaml: no']],
  ])('%j', (error, lines) => {
    expect(policyErrorLines('p.yaml', document, error)).toEqual(lines);
  });
});
