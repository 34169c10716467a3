import { describe, expect, it } from '@jest/globals';
import { generatePolicyKey, signPolicy, signWithKeyFile } from '@stance/policy-signature';
import { policySignatureOf, withSignature } from './policy-signature.js';
import type { FileContent } from './watched-file.js';

const DOCUMENT = 'version: 1\n';
const { privateKey } = generatePolicyKey('ana@example.com');
const signature = (document = DOCUMENT, installation = 'production') =>
  signPolicy(document, { installation, signedAt: 1_000 }, (text) => signWithKeyFile(privateKey, text) ?? '');

const holding = (text: string): FileContent => ({ readable: true, bytes: Buffer.from(text) });
const missing: FileContent = { readable: false, reason: 'ENOENT', isMissing: true };
const beside = policySignatureOf('/etc/stance/policy.yaml', undefined, undefined);
const named = policySignatureOf('/etc/stance/policy.yaml', '/run/policy.sig', 'production');

describe('a policy and its signature file', () => {
  it('go together', () => {
    expect(withSignature(DOCUMENT, holding(signature()), beside)).toMatchObject({
      ok: true,
      signed: { document: DOCUMENT, signature: signature(), signedAt: 1_000 },
    });
  });

  it('need not both be there, unless the signature is named', () => {
    expect(withSignature(DOCUMENT, missing, beside)).toMatchObject({ ok: true, signed: { document: DOCUMENT } });
    expect(withSignature(DOCUMENT, missing, named)).toEqual({
      ok: false,
      problem: '/run/policy.sig: the signature cannot be read: ENOENT',
    });
  });

  it('go together for the installation that this is, where it has a name', () => {
    const forStaging = holding(signature(DOCUMENT, 'staging'));
    expect(withSignature(DOCUMENT, holding(signature()), named)).toMatchObject({ ok: true });
    expect(withSignature(DOCUMENT, forStaging, beside)).toMatchObject({ ok: true });
    expect(withSignature(DOCUMENT, forStaging, named)).toEqual({
      ok: false,
      problem: expect.stringMatching(
        /^\/run\/policy\.sig: it is the signature for the installation staging, and this one is production: .* --for production/,
      ),
    });
  });

  it.each<[string, FileContent, RegExp]>([
    ['of another document', holding(signature('version: 2\n')), /another document: sign the policy again/],
    ['of another form', holding('trust me'), /cannot be read: it is not of the form that `stance policy sign` writes/],
    ['that is empty', holding(''), /cannot be read/],
    ['that may not be read', { readable: false, reason: 'EACCES', isMissing: false }, /cannot be read: EACCES/],
  ])('do not where it is one %s', (_, content, problem) => {
    expect(withSignature(DOCUMENT, content, beside)).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });
});
