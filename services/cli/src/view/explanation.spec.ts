import { describe, expect, test } from '@jest/globals';
import type { Explanation } from '@stance/contracts';
import { infected } from '../fixtures/facts.js';
import { explanationLines } from './explanation.js';
import { noPaint } from './paint.js';

const NOW = Date.parse('2026-01-05T10:00:00.000Z');

const waiver = {
  rule: 'staff',
  waive: ['encrypted'],
  until: '2026-02-01T00:00:00.000Z',
  reason: 'INC-4711',
  approvedBy: 'security@example.com',
};

const denied: Explanation = {
  deviceId: 'laptop-1',
  resource: 'wiki',
  effect: 'deny',
  enforced: true,
  reasons: [infected],
  rules: [],
  changes: [],
  problems: [],
  postureRevision: 1,
  policyRevision: 3,
  evaluatedAt: '2026-01-05T10:00:00.000Z',
  reviewAt: '2026-01-05T12:00:00.000Z',
  decisions: [
    {
      gateway: 'office',
      decidedAt: '2026-01-05T09:59:00.000Z',
      decision: { effect: 'deny', enforced: false, heldUntil: '2026-01-05T10:15:00.000Z', reasons: [infected] },
    },
  ],
};

const warned: Explanation = {
  ...denied,
  effect: 'warn',
  until: '2026-01-05T12:00:00.000Z',
  graceSince: '2026-01-05T09:00:00.000Z',
  requiresOwner: 'one@example.com',
  exceptions: [waiver],
  shadow: 'deny',
  shadowReasons: [{ code: 'deny-rule', message: 'Soon no more.' }],
  rules: [
    {
      name: 'staff',
      effect: 'allow',
      applies: true,
      verdict: 'false',
      conditions: [],
      waived: [waiver],
      graces: [
        { posture: 'healthy', since: '2026-01-05T09:00:00.000Z', until: '2026-01-05T12:00:00.000Z' },
        { posture: 'current', since: '2026-01-01T09:00:00.000Z', until: '2026-01-04T09:00:00.000Z' },
      ],
    },
    { name: 'soon', effect: 'deny', mode: 'report', applies: true, verdict: 'true', conditions: [] },
  ],
  changes: [
    { effect: 'deny', at: '2026-01-05T12:00:00.000Z', message: 'At noon it becomes deny' },
    { effect: 'allow', rule: 'staff', message: '"staff" allows it once sentinelOne:infected == false' },
  ],
};

describe('an explanation', () => {
  test('tells until when a warning lasts, what it rests on, what only reports, and what would change it', () => {
    expect(explanationLines(warned, NOW, noPaint)).toEqual([
      'laptop-1 → wiki: warn, until 2026-01-05T12:00:00.000Z (2 h more), in grace since 2026-01-05T09:00:00.000Z, for one@example.com only',
      '├─ because',
      '│  └─ The agent reports an infection: clean it. [condition-false]',
      '├─ by an exception',
      '│  └─ staff: encrypted waived until 2026-02-01T00:00:00.000Z, INC-4711, approved by security@example.com',
      '├─ with the rules in report mode it would be deny',
      '│  └─ Soon no more. [deny-rule]',
      '├─ rules',
      '│  ├─ ✗ staff (allow): false',
      '│  │  ├─ waived: encrypted, until 2026-02-01T00:00:00.000Z (INC-4711, approved by security@example.com)',
      '│  │  ├─ in grace: posture healthy fails since 2026-01-05T09:00:00.000Z, borne with until 2026-01-05T12:00:00.000Z',
      '│  │  └─ grace is over: posture current fails since 2026-01-01T09:00:00.000Z, borne with until 2026-01-04T09:00:00.000Z',
      '│  └─ ✓ soon (deny, only reported): true',
      '├─ what would change it',
      '│  ├─ deny: At noon it becomes deny',
      '│  └─ allow: "staff" allows it once sentinelOne:infected == false',
      '├─ gateways hold',
      '│  └─ office: deny (held back until 2026-01-05T10:15:00.000Z), decided 1 min ago',
      '└─ posture revision 1, policy revision 3, evaluated just now, to be reviewed in 2 h',
    ]);
  });

  test('of an earlier time gives times instead of distances, and what the trail lacks', () => {
    const overdue = {
      gateway: 'vpn',
      decidedAt: '2026-01-05T08:00:00.000Z',
      decision: { effect: 'allow' as const, enforced: true, reasons: [] },
      reviewAt: '2026-01-05T09:59:30.000Z',
    };
    const earlier = {
      ...denied,
      decisions: [...denied.decisions, overdue],
      at: '2026-01-05T10:00:00.000Z',
      lacking: ['STANCE_POSTURE 4 to 6 were gone'],
    };
    expect(explanationLines(earlier, NOW, noPaint)).toEqual([
      'laptop-1 → wiki at 2026-01-05T10:00:00.000Z: deny',
      '├─ because',
      '│  └─ The agent reports an infection: clean it. [condition-false]',
      '├─ gateways held',
      '│  ├─ office: deny (held back until 2026-01-05T10:15:00.000Z), decided at 2026-01-05T09:59:00.000Z',
      '│  └─ vpn: allow, decided at 2026-01-05T08:00:00.000Z, denied since 2026-01-05T09:59:30.000Z: not reviewed in time',
      '├─ what the audit trail lacks',
      '│  └─ STANCE_POSTURE 4 to 6 were gone',
      '└─ posture revision 1, policy revision 3, evaluated by what is recorded until then, to be reviewed at 2026-01-05T12:00:00.000Z',
    ]);
  });

  test('tells what proof of the device each gateway demands', () => {
    const [held] = denied.decisions;
    const decisions = held === undefined ? [] : [{ ...held, identity: 'certificate' as const }];
    const demanding = { ...denied, decisions };
    expect(explanationLines(demanding, NOW, noPaint)).toContain(
      '│     └─ office accepts devices proved by certificate or better',
    );
    const earlier = { ...demanding, at: '2026-01-05T10:00:00.000Z', lacking: [] };
    expect(explanationLines(earlier, NOW, noPaint).join('\n')).toContain(
      'office accepted devices proved by certificate',
    );
  });

  test('shows nothing from outside that a terminal would obey', () => {
    const evil = '\u001b[2J';
    const [rule] = warned.rules;
    const hostile: Explanation = {
      ...warned,
      deviceId: evil,
      resource: evil,
      requiresOwner: evil,
      exceptions: [{ ...waiver, reason: evil }],
      rules: rule === undefined ? [] : [{ ...rule, name: evil, waived: [{ ...waiver, approvedBy: evil }] }],
      changes: [{ effect: 'deny', message: evil }],
    };
    expect(explanationLines(hostile, NOW, noPaint).join('\n')).not.toContain('\u001b');
  });
});
