import { describe, expect, it } from '@jest/globals';
import type { AccessChange, Reason, ResourceDecision } from '@stance/contracts';
import { changesAt } from './resource-change.js';

const infected: Reason = { code: 'condition-false', message: 'It is infected.', rule: 'staff', condition: 'c' };
const old: Reason = { code: 'condition-false', message: 'It is out of date.', rule: 'staff', condition: 'd' };

const allow: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
const warn: ResourceDecision = { effect: 'warn', enforced: true, reasons: [old], until: '2026-01-08T00:00:00Z' };
const deny: ResourceDecision = { effect: 'deny', enforced: true, reasons: [infected] };
const told: ResourceDecision = { ...deny, enforced: false };
const held: ResourceDecision = { ...told, heldUntil: '2026-01-05T10:15:00Z' };
const annas: ResourceDecision = { ...allow, requiresOwner: 'Anna@example.com' };

const session = (sessionId: string, user?: string) => ({ gateway: 'edge', resource: 'wiki', sessionId, user });
const open = [session('anna', 'anna@example.com'), session('ben', 'ben@example.com'), session('nobody')];
const all = ['anna', 'ben', 'nobody'];

type MaybeDecision = ResourceDecision | undefined;

const wikiBy = (decision: MaybeDecision) => (decision === undefined ? {} : { wiki: decision });
const change = (before: MaybeDecision, after: MaybeDecision) =>
  changesAt('edge', wikiBy(before), wikiBy(after), open).map(({ sessions, ...rest }) => ({
    ...rest,
    sessions: sessions.map(({ sessionId }) => sessionId),
  }));

describe('access to a resource', () => {
  it.each<[string, MaybeDecision, MaybeDecision, AccessChange, unknown[], string[]]>([
    ['is lost with its sessions', allow, deny, 'lose', [infected], all],
    ['is lost after a warning', warn, deny, 'lose', [infected], all],
    [
      'is lost where no gateway serves it any more',
      allow,
      undefined,
      'lose',
      [expect.objectContaining({ code: 'no-rule' })],
      all,
    ],
    ['is lost where a gateway no longer only reports', told, deny, 'lose', [infected], all],
    ['is gained, and the reason is the one that goes', deny, allow, 'gain', [infected], []],
    ['is gained with a warning', deny, warn, 'gain', [infected], []],
    ['is gained at a gateway that serves it for the first time', undefined, allow, 'gain', [], []],
    ['is gained where a gateway only reports from now on', deny, told, 'gain', [infected], []],
    ['is gained where a refusal is held back', held, allow, 'gain', [infected], []],
    ['comes with a warning', allow, warn, 'warn', [old], []],
    ['comes without the warning again', warn, allow, 'clear', [old], []],
    ['would be refused if the gateway did not only report', allow, told, 'report', [infected], []],
    ['would no longer be refused if the gateway did not only report', told, allow, 'report', [infected], []],
    [
      'is lost for other users than the owner',
      allow,
      annas,
      'lose',
      [expect.objectContaining({ code: 'no-rule' })],
      ['ben'],
    ],
  ])('%s', (_, before, after, kind, reasons, sessions) => {
    const [from, to] = [before?.effect ?? 'deny', after?.effect ?? 'deny'];
    expect(change(before, after)).toEqual([
      { gateway: 'edge', resource: 'wiki', change: kind, from, to, reasons, sessions },
    ]);
  });

  it.each<[string, MaybeDecision, MaybeDecision]>([
    ['it is refused for another reason', deny, { ...deny, reasons: [old] }],
    ['its refusal is held back, and stays one', held, deny],
    ['it is the same', warn, warn],
    ['others than the owner were refused before', annas, annas],
    ['it becomes everybody’s, as far as can be seen from here', annas, allow],
    ['a gateway that only reports is told of an owner', { ...allow, enforced: false }, { ...annas, enforced: false }],
    ['nobody serves it', undefined, deny],
  ])('does not change where %s', (_, before, after) => {
    expect(change(before, after)).toEqual([]);
  });
});

it('takes no name of a resource for something else', () => {
  expect(changesAt('edge', {}, { constructor: allow }, [])).toMatchObject([
    { resource: 'constructor', change: 'gain' },
  ]);
});

it('looks at every resource that was or will be served, in order, with the sessions of this gateway', () => {
  const sessions = [
    session('here'),
    { ...session('elsewhere'), gateway: 'vpn' },
    { ...session('git'), resource: 'git' },
  ];
  const changes = changesAt('edge', { wiki: allow, git: allow }, { wiki: deny, crm: allow }, sessions);
  expect(changes.map((one) => [one.resource, one.change, one.sessions.map(({ sessionId }) => sessionId)])).toEqual([
    ['crm', 'gain', []],
    ['git', 'lose', ['git']],
    ['wiki', 'lose', ['here']],
  ]);
});
