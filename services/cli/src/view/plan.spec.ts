import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import type { PolicyPlan } from '@stance/contracts';
import { infected } from '../fixtures/facts.js';
import { showPlan } from './plan.js';
import { Screen } from './screen.js';

type Group = PolicyPlan['groups'][number];
type Device = PolicyPlan['changes'][number];

const group = (over: Partial<Group> = {}): Group => ({
  gateway: 'office',
  resource: 'wiki',
  change: 'lose',
  from: 'allow',
  to: 'deny',
  cause: { code: 'condition-false', rule: 'staff', posture: 'healthy', condition: 'sentinelOne:infected == false' },
  devices: 12,
  sessions: 5,
  ...over,
});

const loses = { gateway: 'office', resource: 'wiki', change: 'lose', from: 'allow', to: 'deny' } as const;
const device = (over: Partial<Device> = {}): Device => ({
  deviceId: 'laptop-1',
  owner: 'one@example.com',
  changes: [loses],
  reasons: [infected],
  sessions: [],
  ...over,
});

const totals = {
  lose: 12,
  gain: 3,
  warn: 1,
  clear: 0,
  report: 0,
  unchanged: 84,
  people: 4,
  openSessions: 240,
  revocations: 5,
};
const planOf = (over: Partial<PolicyPlan> = {}): PolicyPlan => ({
  errors: [],
  mode: 'enforce',
  baseRevision: 3,
  plannedAt: '2026-01-05T10:00:00.000Z',
  devices: 100,
  totals,
  groups: [group()],
  changes: [device()],
  truncated: false,
  ...over,
});

function shown(over: Partial<PolicyPlan> = {}, options: { all?: boolean } = {}): string[] {
  const output = new PassThrough();
  showPlan(new Screen(output, {}), planOf(over), options);
  return String(output.read()).trimEnd().split('\n');
}

describe('the counts of a plan', () => {
  test.each<[string, Partial<PolicyPlan>, string]>([
    [
      'tell who loses, gains and is warned, and how many sessions end',
      {},
      'Compared with revision 3: 12 devices of 4 people lose access, 3 gain it, 1 is warned; 5 of 240 open sessions would be revoked.',
    ],
    [
      'tell of one, of what ends and of what is only reported',
      { totals: { ...totals, lose: 1, gain: 1, warn: 2, clear: 4, report: 1, people: 1, openSessions: 1_240 } },
      'Compared with revision 3: 1 device of 1 person loses access, 1 gains it, 2 are warned, 4 are no longer warned, for 1 only what a gateway reports changes; 5 of 1,240 open sessions would be revoked.',
    ],
    [
      'say so where nothing changes',
      {
        groups: [],
        changes: [],
        baseRevision: 0,
        totals: { ...totals, lose: 0, gain: 0, warn: 0, unchanged: 100, people: 0, revocations: 0 },
      },
      'Compared with no policy: nothing changes for 100 devices; none of 240 open sessions would be revoked.',
    ],
  ])('%s', (_, over, text) => {
    expect(shown(over)[0]).toBe(text);
  });

  test('come after a word on report mode, where the policy is in it', () => {
    const [first, second] = shown({ mode: 'report' });
    expect(first).toMatch(/in report mode: .* if it were enforced/);
    expect(second).toMatch(/^Compared with/);
  });

  test('stand alone where nothing changes', () => {
    expect(shown({ groups: [], changes: [] })).toHaveLength(1);
  });
});

describe('the groups of a plan', () => {
  test('are a table by rule and reason', () => {
    const nobody = { code: 'no-rule', message: 'No gateway serves git any more.' } as const;
    const lines = shown({
      groups: [group(), group({ resource: 'git', cause: nobody, devices: 1_200, sessions: 0 })],
    });
    expect(lines.slice(2, 5)).toEqual([
      'CHANGE        DEVICES  SESSIONS  RESOURCE  GATEWAY  RULE   REASON',
      'allow → deny       12         5  wiki      office   staff  sentinelOne:infected == false [condition-false]',
      'allow → deny    1,200         0  git       office   -      No gateway serves git any more. [no-rule]',
    ]);
  });

  test.each<[Partial<Group>, string, RegExp]>([
    [{ change: 'gain', from: 'deny', to: 'allow' }, 'deny → allow', /no longer: sentinelOne:infected == false/],
    [{ change: 'gain', from: 'deny', to: 'allow', cause: undefined }, 'deny → allow', / -$/],
    [{ change: 'gain', from: 'deny', to: 'deny' }, 'deny → deny (reported only)', /no longer/],
    [{ change: 'warn', to: 'warn' }, 'allow → warn', / {2}sentinelOne/],
    [{ change: 'clear', from: 'warn', to: 'allow' }, 'warn → allow', /no longer/],
    [{ change: 'report' }, 'allow → deny (reported only)', / {2}sentinelOne/],
    [{ change: 'report', from: 'deny', to: 'allow' }, 'deny (reported only) → allow', /no longer/],
    [{ from: 'deny' }, 'deny (reported only) → deny', / {2}sentinelOne/],
    [
      { to: 'allow', cause: { code: 'no-rule', message: 'Only the owner.' } },
      'allow → its owner only',
      /Only the owner/,
    ],
    [
      { to: 'allow', cause: { code: 'identity-missing', message: 'It needs a proof by certificate now.' } },
      'allow → better proved only',
      /needs a proof by certificate now\. \[identity-missing\]/,
    ],
  ])('%j is told as %s', (over, change, reason) => {
    const [, , , line = ''] = shown({ groups: [group(over)] });
    expect(line).toMatch(reason);
    expect(line.startsWith(`${change}  `)).toBe(true);
  });
});

describe('the devices of a plan', () => {
  test('are told with their people, sessions and reasons', () => {
    const changes = [
      loses,
      { ...loses, resource: 'git' },
      { ...loses, gateway: 'lab', resource: 'crm', change: 'gain', from: 'deny', to: 'allow' } as const,
    ];
    const sessions = [
      { gateway: 'office', resource: 'wiki', sessionId: 's-1', user: 'two@example.com' },
      { gateway: 'office', resource: 'git', sessionId: 's-2' },
    ];
    const lines = shown({ changes: [device({ changes, sessions }), device({ deviceId: 'tv', owner: undefined })] });
    expect(lines.slice(5, 8).map((line) => line.split(/ {2,}/))).toEqual([
      ['DEVICE', 'OWNER', 'CHANGES', 'SESSIONS', 'REASON'],
      [
        'laptop-1',
        'one@example.com',
        'lose wiki, git @ office; gain crm @ lab',
        's-1 of two@example.com, s-2',
        'The agent reports an infection: clean it. [condition-false]',
      ],
      ['tv', '-', 'lose wiki @ office', '-', 'The agent reports an infection: clean it. [condition-false]'],
    ]);
  });

  const many = Array.from({ length: 30 }, (_, index) => device({ deviceId: `laptop-${index}` }));

  test('are the first 20, unless all are asked for', () => {
    const first = shown({ changes: many, devices: 130, totals: { ...totals, unchanged: 100 } });
    expect(first.filter((line) => line.startsWith('laptop-'))).toHaveLength(20);
    expect(first.at(-1)).toBe('20 of 30 devices concerned; --all shows 30');
    const all = shown({ changes: many, devices: 130, totals: { ...totals, unchanged: 100 } }, { all: true });
    expect(all.filter((line) => line.startsWith('laptop-'))).toHaveLength(30);
    expect(all.at(-1)).toMatch(/^laptop-29/);
  });

  test('are counted all where a plan names only some', () => {
    const lines = shown({ changes: many, devices: 5_000, truncated: true }, { all: true });
    expect(lines.slice(-2)).toEqual([
      '30 of 4,916 devices concerned',
      expect.stringMatching(/left out. The counts are of all\.$/),
    ]);
  });

  test('and all else from outside cannot rewrite the screen', () => {
    const lines = shown({
      changes: [device({ deviceId: 'x\u001b[2J', owner: 'a\nb' })],
      groups: [group({ resource: '\u009b' })],
    });
    for (const dangerous of ['\u001b', '\u009b', 'a\nb']) expect(lines.join('\n')).not.toContain(dangerous);
  });
});
