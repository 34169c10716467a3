import { describe, expect, test } from '@jest/globals';
import { accepted } from '../fixtures/accepted.js';
import { importTailscale } from './import-tailscale.js';

const imported = (file: Record<string, unknown>) => accepted(importTailscale(JSON.stringify(file)));
const acl = (fields: Record<string, unknown>) =>
  imported({ acls: [{ action: 'accept', src: ['*'], dst: ['tag:web:443'], ...fields }] });

describe('the source of a rule', () => {
  test.each([
    ['*', { groups: [], tags: [], owners: [], require: [] }],
    ['autogroup:member', { groups: [], tags: [], owners: [], require: [{ posture: 'has an owner' }] }],
    ['autogroup:members', { require: [{ posture: 'has an owner' }] }],
    ['group:dev', { groups: ['dev'], require: [] }],
    ['group:security-team@example.com', { groups: ['security-team@example.com'] }],
    ['tag:build', { tags: ['build'], require: [] }],
    ['ana@example.com', { owners: ['ana@example.com'] }],
    ['ana@github', { owners: ['ana@github'] }],
  ])('%s is carried over', (source, rule) => {
    expect(acl({ src: [source] }).policy.rules).toMatchObject([rule]);
  });

  test.each([
    ['autogroup:admin'],
    ['autogroup:tagged'],
    ['autogroup:shared'],
    ['autogroup:danger-all'],
    ['user:*@example.com'],
    ['100.101.102.103'],
    ['192.168.1.0/24'],
    ['my-host'],
    ['ipset:office'],
    ['group:'],
    [''],
  ])('%s is left out, and with it a rule that has no other', (source) => {
    const { policy, notes } = acl({ src: [source] });
    expect(policy.rules).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(/^left-out acls\[0\]\.src\[0\]: /));
    expect(acl({ src: [source, 'group:dev'] }).policy.rules).toMatchObject([{ groups: ['dev'] }]);
  });

  test('of several kinds becomes a rule for each, as a rule asks for all kinds at once', () => {
    const { policy } = acl({ src: ['group:dev', 'ana@example.com', 'tag:build', 'group:ops', 'autogroup:member'] });
    expect(policy.rules).toMatchObject([
      { groups: [], owners: [], tags: [], require: [{ posture: 'has an owner' }] },
      { groups: ['dev', 'ops'], owners: [], tags: [] },
      { groups: [], owners: ['ana@example.com'], tags: [] },
      { groups: [], owners: [], tags: ['build'] },
    ]);
  });
});

describe('the destination of a rule', () => {
  test.each([
    ['tag:web:443', ['web'], 'tag:web, port 443'],
    ['tag:web:*', ['web'], 'tag:web, any port'],
    ['tag:web:80,443', ['web:80', 'web:443'], 'tag:web, port 80'],
    ['tag:web:8000-8099', ['web'], 'tag:web, port 8000-8099'],
    ['198.51.100.7:22', ['198.51.100.7'], '198.51.100.7, port 22'],
    ['10.0.0.0/8:*', ['10.0.0.0/8'], '10.0.0.0/8, any port'],
    ['[1:2:3::4]:80', ['1:2:3::4'], '[1:2:3::4], port 80'],
    ['ipset:office:*', ['office'], 'ipset:office, any port'],
  ])('%s becomes %j', (destination, names, meaning) => {
    const { policy, document } = acl({ dst: [destination] });
    expect(policy.gateways).toMatchObject([{ name: 'imported', resources: names }]);
    expect(policy.rules).toMatchObject([{ resources: names }]);
    expect(document).toContain(` # ${meaning}\n`);
  });

  test.each([
    ['tag:web'],
    ['tag:web:https'],
    ['tag:web:443-80'],
    ['tag:web:70000'],
    ['autogroup:self:*'],
    ['autogroup:internet:*'],
    ['group:dev:22'],
    ['ana@example.com:22'],
    ['a b:22'],
    [':22'],
  ])('%s is left out', (destination) => {
    const { policy, notes } = acl({ dst: [destination] });
    expect(policy.rules).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(/^left-out acls\[0\]\.dst\[0\]: /));
  });

  test('covers each resource of the file that is within its ports', () => {
    const dst = (...destinations: string[]) => ({ action: 'accept', src: ['*'], dst: destinations });
    const { policy, notes } = imported({
      acls: [
        dst('tag:web:*', 'db:5432'),
        dst('tag:web:443'),
        dst('tag:web:1-1000'),
        dst('*:443'),
        { ...dst('tag:web:443'), proto: '6' },
        dst('*:25'),
      ],
    });
    expect(policy.rules.map(({ resources }) => resources)).toEqual([
      ['web', 'web:443', 'web:1-1000', 'web:tcp:443', 'db'],
      ['web:443', 'web:tcp:443'],
      ['web:443', 'web:1-1000', 'web:tcp:443'],
      ['web:443', 'web:tcp:443'],
      ['web:tcp:443'],
    ]);
    expect(notes).toContainEqual(expect.stringMatching(/^changed acls\[3\]\.dst\[0\]: \* on 443 becomes/));
    expect(notes).toContainEqual(expect.stringMatching(/^left-out acls\[5\]: .* no resource that has a name/));
  });

  test('of another kind but the same name is another resource', () => {
    const { policy, document } = imported({
      hosts: { web: '10.0.0.7' },
      acls: [
        { action: 'accept', src: ['tag:a'], dst: ['web:*'] },
        { action: 'accept', src: ['tag:b'], dst: ['tag:web:*'] },
      ],
    });
    expect(policy.rules).toMatchObject([
      { tags: ['a'], resources: ['web'] },
      { tags: ['b'], resources: ['web-2'] },
    ]);
    expect(document).toContain('- web # web (10.0.0.7), any port\n      - web-2 # tag:web, any port\n');
  });
});

describe('a grant', () => {
  const grant = (fields: Record<string, unknown>) =>
    imported({ grants: [{ src: ['group:dev'], dst: ['tag:web'], ip: ['443'], ...fields }] });

  test.each([
    [['*'], ['web']],
    [['443'], ['web']],
    [
      ['tcp:443', 'udp:443'],
      ['web:tcp:443', 'web:udp:443'],
    ],
    [
      ['tcp:*', '8000-8099'],
      ['web:tcp', 'web:8000-8099'],
    ],
  ])('names its ports in ip: %j', (ip, resources) => {
    expect(grant({ ip }).policy.rules).toMatchObject([{ resources }]);
  });

  test.each([
    [
      'an application alone',
      { ip: undefined, app: { 'example.com/cap/files': [{}] } },
      /^left-out grants\[0\]: .*no network access/,
    ],
    ['a way to take', { via: ['tag:router'] }, /^left-out grants\[0\]: .*\(via\)/],
    ['ports that are none', { ip: ['https'] }, /^left-out grants\[0\]\.ip\[0\]: https/],
  ])('with %s is left out', (_, fields, note) => {
    const { policy, notes } = grant(fields);
    expect(policy.rules).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(note));
  });

  test('with an application besides keeps its network access', () => {
    const { policy, notes } = grant({ app: { 'example.com/cap/files': [{}] }, via: null });
    expect(policy.rules).toHaveLength(1);
    expect(notes).toContainEqual(expect.stringMatching(/^left-out grants\[0\]\.app: /));
  });
});

describe('a test of the file', () => {
  const file = {
    groups: { 'group:dev': ['ana@example.com'] },
    postures: { 'posture:clean': ['sentinelOne:infected == false', "node:os == 'macos'"] },
    acls: [
      { action: 'accept', src: ['group:dev'], dst: ['tag:web:80,443'], srcPosture: ['posture:clean'] },
      { action: 'accept', src: ['tag:build'], dst: ['db:5432'] },
      { action: 'accept', src: ['autogroup:member'], dst: ['wiki:*'] },
    ],
  };
  const withTest = (test: unknown) => imported({ ...file, tests: [test] });

  test('goes over with groups, operating system and agent', () => {
    const { policy } = withTest({
      src: 'ana@example.com',
      srcPostureAttrs: { 'node:os': 'macos', 'sentinelOne:infected': false },
      accept: ['tag:web:443', 'wiki:80'],
      deny: ['db:5432'],
    });
    expect(policy.tests).toMatchObject([
      {
        fromPassing: false,
        device: {
          owner: 'ana@example.com',
          groups: ['dev'],
          os: 'macos',
          attributes: { 'sentinelOne:infected': false },
        },
        expect: new Map([
          ['web:443', 'allow'],
          ['wiki', 'allow'],
          ['db', 'deny'],
        ]),
      },
    ]);
  });

  test.each([
    ['a group', 'group:dev', { owner: 'ana@example.com', groups: ['dev'] }],
    ['a tag', 'tag:build', { tags: ['build'] }],
  ])('may be of %s', (_, src, device) => {
    expect(withTest({ src, deny: ['tag:web:80'] }).policy.tests).toMatchObject([{ device }]);
  });

  test.each([
    ['of an address', { src: '100.1.2.3', accept: ['wiki:80'] }, /^left-out tests\[0\]: .*100\.1\.2\.3/],
    ['of where no rule leads', { src: 'ana@example.com', accept: ['mail:25'] }, /^left-out tests\[0\]\.accept\[0\]/],
    [
      'that holds no longer',
      { src: 'ana@example.com', srcPostureAttrs: { 'custom:x': 1 }, accept: ['tag:web:80'] },
      /^left-out tests\[0\]: web:80 is taken out of this test, as the policy denies it/,
    ],
  ])('is left out: one %s', (_, test, note) => {
    const { policy, notes } = withTest(test);
    expect(policy.tests).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(note));
  });

  test('that expects a denial where a rule allows ends the import: the file contradicts itself', () => {
    const text = JSON.stringify({ ...file, tests: [{ src: 'ana@example.com', deny: ['wiki:80'] }] }, null, 2);
    expect(importTailscale(text)).toEqual({
      ok: false,
      errors: [
        {
          message: expect.stringMatching(/expects that wiki is not reached, but a rule allows it/),
          line: text.split('\n').findIndex((line) => line.includes('"tests"')) + 2,
          column: 5,
        },
      ],
    });
  });
});

describe('a file', () => {
  test('may be in the old spelling, in any case', () => {
    const { policy } = accepted(
      importTailscale(`{
        "Groups": {"group:dev": ["ana@example.com"]},
        "ACLs": [{"Action": "accept", "Users": ["group:dev"], "Ports": ["web:22"]}],
        "Tests": [{"User": "ana@example.com", "Allow": ["web:22"]}],
      }`),
    );
    expect(policy.rules).toMatchObject([{ groups: ['dev'], resources: ['web'] }]);
    expect(policy.tests).toHaveLength(1);
  });

  test('without acls and grants denies, where Tailscale would let everybody through', () => {
    const { policy, notes } = imported({ groups: {} });
    expect(policy.rules).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(/^left-out the file: there are neither acls nor grants/));
  });

  test.each([
    ['no JSON', '{"acls": []\n "groups": {}}', { message: /^comma expected$/, line: 2, column: 2 }],
    ['a list', '[]', { message: /expected object/, line: 1, column: 1 }],
    ['nothing', '', { message: /expected/ }],
    ['a section twice', '{"acls": [],\n "acls": []}', { message: /twice/, line: 2, column: 2 }],
    ['a section in two cases', '{"acls": [],\n "ACLs": []}', { message: /ACLs is not known/, line: 2, column: 10 }],
    ['an unknown section', '{\n "denyAll": true}', { message: /denyAll is not known, nor what it restricts/, line: 2 }],
    [
      'a rule that is not known',
      '{"acls": [{"action":"accept","dstPosture":[]}]}',
      { message: /dstPosture is not known/ },
    ],
    ['a rule that denies', '{"acls": [{"action": "deny"}]}', { message: /only action .* accept/, column: 22 }],
    ['groups that are none', '{"groups": {"group:a": "b"}}', { message: /expected array/, column: 24 }],
    ['deep nesting', `{"nodeAttrs": ${'['.repeat(100_000)}`, { message: /^nested too deeply$/ }],
    ['a megabyte', ' '.repeat(1_048_576), { message: /at most 524288 characters/ }],
    ['a polluting key', '{"groups": {"__proto__": []}}', { message: /__proto__/ }],
  ])('that is %s is refused', (_, text, error) => {
    const message = expect.stringMatching(error.message);
    expect(importTailscale(text)).toMatchObject({ ok: false, errors: [{ ...error, message }] });
  });

  test('with more than a policy takes is refused', () => {
    const acls = Array.from({ length: 1100 }, (_, index) => ({ action: 'accept', src: ['*'], dst: [`h${index}:1`] }));
    expect(importTailscale(JSON.stringify({ acls }))).toMatchObject({
      ok: false,
      errors: [{ message: expect.stringMatching(/at most 5000 rules and 1000 resources/) }],
    });
  });
});
