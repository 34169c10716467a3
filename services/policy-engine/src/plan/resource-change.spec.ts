import { describe, expect, it } from '@jest/globals';
import type { AccessChange, DeviceProof, Reason, ResourceDecision } from '@stance/contracts';
import { changesAt } from './resource-change.js';

const infected: Reason = { code: 'condition-false', message: 'It is infected.', rule: 'staff', condition: 'c' };
const old: Reason = { code: 'condition-false', message: 'It is out of date.', rule: 'staff', condition: 'd' };

const allow: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
const warn: ResourceDecision = { effect: 'warn', enforced: true, reasons: [old], until: '2026-01-08T00:00:00Z' };
const deny: ResourceDecision = { effect: 'deny', enforced: true, reasons: [infected] };
const onlyTold: ResourceDecision = { ...deny, enforced: false };
const held: ResourceDecision = { ...onlyTold, heldUntil: '2026-01-05T10:15:00Z' };
const annas: ResourceDecision = { ...allow, requiresOwner: 'Anna@example.com' };

const session = (sessionId: string, user?: string, proof?: DeviceProof) => ({
  gateway: 'edge',
  resource: 'wiki',
  sessionId,
  user,
  proof,
});
const open = [session('anna', 'anna@example.com'), session('ben', 'ben@example.com'), session('nobody')];
const all = ['anna', 'ben', 'nobody'];

type MaybeDecision = ResourceDecision | undefined;

const wikiBy = (decision: MaybeDecision) => ({ resources: decision === undefined ? {} : { wiki: decision } });
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
    ['is lost where a gateway no longer only reports', onlyTold, deny, 'lose', [infected], all],
    ['is gained, and the reason is the one that goes', deny, allow, 'gain', [infected], []],
    ['is gained with a warning', deny, warn, 'gain', [infected], []],
    ['is gained at a gateway that serves it for the first time', undefined, allow, 'gain', [], []],
    ['is gained where a gateway only reports from now on', deny, onlyTold, 'gain', [infected], []],
    ['is gained where a refusal is held back', held, allow, 'gain', [infected], []],
    ['comes with a warning', allow, warn, 'warn', [old], []],
    ['comes without the warning again', warn, allow, 'clear', [old], []],
    ['would be refused if the gateway did not only report', allow, onlyTold, 'report', [infected], []],
    ['would no longer be refused if the gateway did not only report', onlyTold, allow, 'report', [infected], []],
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

describe('a proof that a gateway demands', () => {
  const byCertificate = session('c', 'anna@example.com', 'certificate');
  const byToken = session('t', 'anna@example.com', 'token');
  const byAddress = session('a', 'anna@example.com');
  const told = (identity?: DeviceProof, decision: ResourceDecision = allow) => ({
    ...wikiBy(decision),
    ...(identity && { identity }),
  });
  const lost = (before: ReturnType<typeof told>, after: ReturnType<typeof told>) =>
    changesAt('edge', before, after, [byCertificate, byToken, byAddress]);

  it.each<[string, ReturnType<typeof told>, ReturnType<typeof told>, string[]]>([
    ['a certificate', told(), told('certificate'), ['t', 'a']],
    ['a token', told(), told('token'), ['a']],
    ['more than before, of those that still go on', told('token'), told('certificate'), ['t']],
    ['a certificate, though it only reports', told(undefined, onlyTold), told('certificate', onlyTold), ['t', 'a']],
  ])('ends the sessions that were proved by less: %s', (_, before, after, sessions) => {
    const [change, ...rest] = lost(before, after);
    expect(rest).toEqual([]);
    expect([change?.change, change?.from === change?.to]).toEqual(['lose', true]);
    expect(change?.sessions.map(({ sessionId }) => sessionId)).toEqual(sessions);
    const reasons = sessions.map((id) => (id === 't' ? /proved by token; .* needs/ : /proved by address; .* needs/));
    expect(change?.reasons).toEqual(
      reasons.map((message) => ({ code: 'identity-missing', message: expect.stringMatching(message) })),
    );
  });

  it.each<[string, ReturnType<typeof told>, ReturnType<typeof told>]>([
    ['any proof will do', told(), told('address')],
    ['it is the same', told('certificate'), told('certificate')],
    ['less is demanded', told('certificate'), told('token')],
  ])('changes nothing where %s', (_, before, after) => {
    expect(lost(before, after)).toEqual([]);
  });

  it('is told beside what is for the owner alone', () => {
    const [change] = changesAt('edge', told(), told('token', annas), [byAddress, session('ben', 'ben@x', 'token')]);
    expect(change?.reasons.map(({ code }) => code)).toEqual(['identity-missing', 'no-rule']);
  });
});

it('takes no name of a resource for something else', () => {
  expect(changesAt('edge', { resources: {} }, { resources: { constructor: allow } }, [])).toMatchObject([
    { resource: 'constructor', change: 'gain' },
  ]);
});

it('looks at every resource that was or will be served, in order, with the sessions of this gateway', () => {
  const sessions = [
    session('here'),
    { ...session('elsewhere'), gateway: 'vpn' },
    { ...session('git'), resource: 'git' },
  ];
  const changes = changesAt(
    'edge',
    { resources: { wiki: allow, git: allow } },
    { resources: { wiki: deny, crm: allow } },
    sessions,
  );
  expect(changes.map((one) => [one.resource, one.change, one.sessions.map(({ sessionId }) => sessionId)])).toEqual([
    ['crm', 'gain', []],
    ['git', 'lose', ['git']],
    ['wiki', 'lose', ['here']],
  ]);
});
