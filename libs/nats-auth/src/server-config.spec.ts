import { expect, test } from '@jest/globals';
import type { AccountPlan } from './accounts/account-plan.js';
import { renderServerConfig } from './server-config.js';

const ACCOUNTS: AccountPlan[] = [
  {
    name: 'STANCE',
    jetstream: { maxBytes: undefined },
    users: [
      {
        name: 'viewer',
        permissions: { publish: { allow: ['a.>'], deny: ['a.b'] }, subscribe: { allow: ['_INBOX.v.>'] } },
      },
      { name: 'break-glass' },
    ],
    exports: [{ kind: 'service', subject: 'c.*', to: ['AUDIT', 'EDGE'] }],
    imports: [{ kind: 'service', account: 'AUDIT', subject: 'd', as: 'e.d' }],
  },
  {
    name: 'AUDIT',
    jetstream: { maxBytes: 1_024 },
    users: [],
    exports: [
      { kind: 'stream', subject: 'd', to: ['STANCE'] },
      { kind: 'service', subject: 'f', to: ['STANCE'], manyAnswers: true },
    ],
    imports: [],
  },
];

test('accounts are written as nats-server reads them, users by their keys', () => {
  const keys: Record<string, string[]> = { viewer: ['UNEW', 'UOLD'], 'break-glass': ['UGLASS'] };
  const lines = renderServerConfig(ACCOUNTS, (user) => keys[user] ?? []).split('\n');
  const whole = lines.map((line) => line.trim()).filter((line) => line !== '');
  expect(whole).toContain('system_account: "SYS"');
  expect(whole.slice(whole.indexOf('accounts {'))).toEqual([
    'accounts {',
    '"STANCE" {',
    'jetstream: enabled',
    'users: [',
    '# viewer',
    '{',
    'nkey: UNEW',
    'permissions {',
    'publish {',
    'allow: [',
    '"a.>"',
    ']',
    'deny: [',
    '"a.b"',
    ']',
    '}',
    'subscribe {',
    'allow: [',
    '"_INBOX.v.>"',
    ']',
    '}',
    '}',
    '}',
    '# viewer',
    '{',
    'nkey: UOLD',
    'permissions {',
    'publish {',
    'allow: [',
    '"a.>"',
    ']',
    'deny: [',
    '"a.b"',
    ']',
    '}',
    'subscribe {',
    'allow: [',
    '"_INBOX.v.>"',
    ']',
    '}',
    '}',
    '}',
    '# break-glass',
    '{',
    'nkey: UGLASS',
    '}',
    ']',
    'exports: [',
    '{ service: "c.*", accounts: ["AUDIT", "EDGE"] }',
    ']',
    'imports: [',
    '{ service: { account: "AUDIT", subject: "d" }, to: "e.d" }',
    ']',
    '}',
    '"AUDIT" {',
    'jetstream: { max_file: 1024 }',
    'exports: [',
    '{ stream: "d", accounts: ["STANCE"] }',
    '{ service: "f", accounts: ["STANCE"], response: stream }',
    ']',
    '}',
    '}',
  ]);
});
