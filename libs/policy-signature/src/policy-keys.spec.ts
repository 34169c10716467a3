import { describe, expect, it } from '@jest/globals';
import { PolicyKeysInvalid, readPolicyKeys } from './policy-keys.js';
import { Admin } from './spec/admins.js';

const ana = new Admin('ana@example.com');
const key = ana.line.split(' ').at(-1) ?? '';

describe('a file of keys', () => {
  it('is read with comments, empty lines, options and what follows a key', () => {
    const keys = readPolicyKeys(
      `# policy admins\n\n${ana.lineWith('valid-after="20260101Z"')} ana's laptop\r\nben ssh-ed25519 ${new Admin('ben').line.split(' ').at(-1)}\n`,
    );
    expect([...keys.values()].map(({ signer, validAfter }) => [signer, validAfter])).toEqual([
      ['ana@example.com', Date.parse('2026-01-01T00:00:00Z')],
      ['ben', -Infinity],
    ]);
  });

  it('leaves out keys that are for something else, such as commits', () => {
    const other = new Admin('ben').line.replace('stance-policy', 'git,file');
    expect(readPolicyKeys(`${other}\n${ana.line.replace('stance-policy', 'git,stance-policy')}`).size).toBe(1);
  });

  it.each([
    ['nothing', '# nobody\n', /names no key for stance-policy/],
    ['a private key', ana.privateKey, /line 1: it has to be: <name> namespaces="stance-policy" ssh-ed25519 <key>/],
    ['a public key alone', `ssh-ed25519 ${key}`, /line 1: it has to be/],
    [
      'another type of key',
      'ana ssh-rsa AAAAB3NzaC1yc2E=',
      /line 1: a key of type "ssh-rsa" is not taken: use ssh-ed25519 or sk-ssh-ed25519/,
    ],
    ['a key that is cut off', `ana ssh-ed25519 ${key.slice(0, -8)}`, /line 1: /],
    ['a key of another type than it says', `ana sk-ssh-ed25519@openssh.com ${key}`, /line 1: it is said to be/],
    ['a key twice', `${ana.line}\nben ssh-ed25519 ${key}`, /line 2: the key SHA256:.* is there twice/],
    ['a certificate authority', ana.lineWith('cert-authority'), /"cert-authority,?" is not taken: options are/],
    ['an option twice', ana.lineWith('valid-after="20260101Z",valid-after="20250101Z"'), /is not taken/],
    ['a time of no zone', ana.lineWith('valid-before="20260101"'), /"20260101" is no time in UTC such as 20270131Z/],
    ['a time that there is not', ana.lineWith('valid-before="20261301Z"'), /is no time in UTC/],
  ])('is refused with its line: %s', (_, text, problem) => {
    expect(() => readPolicyKeys(text)).toThrow(PolicyKeysInvalid);
    expect(() => readPolicyKeys(text)).toThrow(problem);
  });

  it('tells all problems at once', () => {
    const { problems } = problemsOf(`nonsense\n${ana.line}\nana ssh-dss AAAA`);
    expect(problems.map((problem) => problem.slice(0, 7))).toEqual(['line 1:', 'line 3:']);
  });
});

function problemsOf(text: string): PolicyKeysInvalid {
  try {
    readPolicyKeys(text);
  } catch (error) {
    if (error instanceof PolicyKeysInvalid) return error;
  }
  throw new Error('the file was taken');
}
