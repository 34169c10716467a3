import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { MAX_POLICY_SIGNATURE_CHARACTERS } from '@stance/contracts';
import { isInstallationName, signatureFileText, statementText } from './policy-statement.js';
import { sshSign } from './ssh-signature.js';
import { Admin, adminsOf, DOCUMENT, NOW, statementOf } from './spec/admins.js';
import { Token } from './spec/token.js';
import { verifyPolicy } from './verify-policy.js';

const MINUTE = 60_000;
const ana = new Admin('ana@example.com');
const ben = new Admin('ben@example.com');
const eve = new Admin('eve@example.com');
const admins = adminsOf(ana.line, ben.line);
const good = ana.signature();

const verdict = (signature: string | undefined, document = DOCUMENT) =>
  verifyPolicy({ document, signature }, admins, NOW);

/** The signature file with the bytes of its signature changed. */
function altered(file: string, change: (bytes: Buffer) => void): string {
  return file.replace(/(?<=SIGNATURE-----\n)[^-]+(?=\n-----END)/, (base64) => {
    const bytes = Buffer.from(base64, 'base64');
    change(bytes);
    return bytes.toString('base64');
  });
}

const armour = (file: string): string => file.slice(file.indexOf('-----BEGIN'));

describe('a policy that an admin signed', () => {
  it.each([
    ['is verified, with who and when', good],
    ['is verified by another admin’s key', ben.signature()],
    ['is verified where its signature file has the line ends of Windows', good.replaceAll('\n', '\r\n')],
    ['is verified where the clock of who signed it is a little ahead', ana.signature(DOCUMENT, NOW + 4 * MINUTE)],
    ['is verified however long ago it was signed', ana.signature(DOCUMENT, Date.parse('2001-01-01T00:00:00Z'))],
  ])('%s', (_, signature) => {
    expect(verdict(signature)).toEqual({
      ok: true,
      signer: expect.stringMatching(/^(ana|ben)@example\.com$/),
      fingerprint: expect.stringMatching(/^SHA256:[\w+/]{43}$/),
      signedAt: expect.any(Number),
    });
  });

  it('is verified in other than plain letters: the hash is of its UTF-8 bytes', () => {
    const document = '# für Ärzte: 医者\n';
    expect(verdict(ana.signature(document), document)).toMatchObject({
      ok: true,
      signer: 'ana@example.com',
      signedAt: NOW,
    });
  });
});

describe('a forgery is told from a signed policy', () => {
  const stranger = generateKeyPairSync('ed25519');
  const forNamespace = (namespace: string): string => {
    const statement = statementOf(DOCUMENT, NOW);
    const { privateKey, publicKey } = stranger;
    return signatureFileText({
      statement,
      signature: sshSign(privateKey, publicKey, namespace, statementText(statement)),
    });
  };
  it.each<[string, string | undefined, RegExp]>([
    ['no signature', undefined, /not signed/],
    ['an empty one', '', /cannot be read/],
    ['the signature of another document', ana.signature('version: 2\n'), /another document/],
    ['a stranger’s key', eve.signature(), /SHA256:.* is not among those of the policy admins/],
    [
      'a statement about this document before another’s signature',
      `${statementText(statementOf(DOCUMENT, NOW))}${armour(ana.signature('version: 2\n'))}`,
      /not signed by ana@example\.com: the signature is wrong/,
    ],
    ['a statement with a later time', good.replace('2026-11-21T08:00', '2026-11-21T08:01'), /the signature is wrong/],
    ['a time that lies ahead', ana.signature(DOCUMENT, NOW + 6 * MINUTE), /lies ahead: is the clock/],
    [
      'a bit of the signature changed',
      altered(good, (bytes) => bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)),
      /signature is wrong/,
    ],
    [
      'a bit of the key changed',
      altered(good, (bytes) => bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)),
      /not among those/,
    ],
    ['its last line missing', good.trimEnd().slice(0, good.trimEnd().lastIndexOf('\n')), /whole and alone/],
    ['its end missing', altered(good, () => undefined).replace(/.{40}(?=\n-----END)/, ''), /cannot be read/],
    [
      'bytes behind the signature',
      good.replace(/(?<=SIGNATURE-----\n)[^-]+(?=\n-----END)/, (base64) =>
        Buffer.concat([Buffer.from(base64, 'base64'), Buffer.of(0)]).toString('base64'),
      ),
      /more follows/,
    ],
    ['two signatures', `${good}${armour(ben.signature())}`, /whole and alone/],
    ['a second statement', `${statementText(statementOf(DOCUMENT, NOW))}${good}`, /not of the form/],
    ['a line more in the statement', good.replace('sha256:', 'comment: trust me\nsha256:'), /not of the form/],
    ['text behind the signature', `${good}really\n`, /whole and alone/],
    ['a signature without a statement', armour(good), /not of the form/],
    ['a version that is not known', good.replace('statement 1', 'statement 2'), /not of the form/],
    ['another base64 of the same bytes', good.replace(/=?\n-----END/, '==\n-----END'), /whole and alone/],
    ['more than a signature has', `${good}${' '.repeat(MAX_POLICY_SIGNATURE_CHARACTERS)}`, /characters and may have/],
    [
      'a signature for another installation',
      ana.signed(statementOf(DOCUMENT, NOW, 'staging')),
      /^it is signed for the installation staging, and this one is production$/,
    ],
    ['one whose installation was replaced', good.replace('for: production', 'for: staging'), /installation staging/],
    [
      'one for another installation, said to be for this one',
      ana.signed(statementOf(DOCUMENT, NOW, 'staging')).replace('for: staging', 'for: production'),
      /the signature is wrong/,
    ],
    ['one that says nothing of an installation', good.replace('for: production\n', ''), /not of the form/],
    [
      'one for two installations',
      good.replace('for: production\n', 'for: production\nfor: staging\n'),
      /not of the form/,
    ],
    ['a time that is none', good.replace('2026-11-21T', '2026-99-21T'), /not of the form/],
  ])('%s', (_, signature, reason) => {
    expect(verdict(signature)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });

  it('a document that is not well-formed Unicode, and the signature of the one that it is in UTF-8', () => {
    const signature = ana.signature('# \ufffd\n');
    expect(verdict(signature, '# \ufffd\n')).toMatchObject({ ok: true });
    expect(verdict(signature, '# \ud800\n')).toEqual({
      ok: false,
      reason: expect.stringContaining('not well-formed Unicode'),
    });
  });

  it('a signature by an admin’s key for another purpose', () => {
    const line = `ana ${['ssh-ed25519', lineKey(forNamespace('git'))].join(' ')}`;
    expect(verifyPolicy({ document: DOCUMENT, signature: forNamespace('git') }, adminsOf(line), NOW)).toEqual({
      ok: false,
      reason: 'its signature was made for "git", not for stance-policy',
    });
    expect(verifyPolicy({ document: DOCUMENT, signature: forNamespace('stance-policy') }, adminsOf(line), NOW).ok).toBe(
      true,
    );
  });
});

/** The key that a signature names, as a file of keys has it. */
function lineKey(file: string): string {
  const bytes = Buffer.from(armour(file).split('\n').slice(1, -2).join(''), 'base64');
  return bytes.subarray(14, 14 + bytes.readUInt32BE(10)).toString('base64');
}

describe('a key that counts for a time only', () => {
  const at = (text: string) => Date.parse(text);
  it.each<[string, string, string, string, boolean]>([
    ['signed while it counts', 'valid-before="20261201Z"', '2026-11-30T23:59:00.000Z', '2026-11-30T23:59:30Z', true],
    ['signed when it has ended', 'valid-before="20261201Z"', '2026-12-01T00:00:00.000Z', '2026-12-01T00:00:30Z', false],
    [
      'signed while it counted, published when it has ended',
      'valid-before="20261201Z"',
      '2026-11-30T12:00:00.000Z',
      '2026-12-02T00:00:00Z',
      false,
    ],
    [
      'signed before it counts',
      'valid-after="202611210700Z"',
      '2026-11-21T06:59:59.000Z',
      '2026-11-21T08:00:00Z',
      false,
    ],
    [
      'signed since it counts',
      'valid-after="20261121070000Z"',
      '2026-11-21T07:00:00.000Z',
      '2026-11-21T08:00:00Z',
      true,
    ],
  ])('%s (%s, %s): %s', (_, options, signedAt, publishedAt, ok) => {
    const signature = ana.signature(DOCUMENT, at(signedAt));
    const limited = adminsOf(ana.lineWith(options));
    expect(verifyPolicy({ document: DOCUMENT, signature }, limited, at(publishedAt)).ok).toBe(ok);
  });
});

describe('a key on a security token', () => {
  const token = new Token();
  const tokens = adminsOf(token.line('ana@example.com'));
  const statement = statementOf(DOCUMENT, NOW);
  const signedBy = (signature: string) =>
    verifyPolicy({ document: DOCUMENT, signature: signatureFileText({ statement, signature }) }, tokens, NOW);

  it('signs', () => {
    expect(signedBy(token.sign(statementText(statement)))).toMatchObject({ ok: true, signer: 'ana@example.com' });
  });

  it.each([
    ['nobody touched it', token.sign(statementText(statement), { touched: false }), /signature is wrong/],
    ['it signed something else', token.sign('something else'), /signature is wrong/],
    ['it is another token', new Token().sign(statementText(statement)), /not among those/],
  ])('signs nothing where %s', (_, signature, reason) => {
    expect(signedBy(signature)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });
});

it.each([
  ['production', true],
  ['eu-1.staging_2', true],
  ['', false],
  ['two words', false],
  ['-x', false],
  ['production\n', false],
  ['a'.repeat(101), false],
])('%j as the name of an installation: %s', (text, isTaken) => {
  expect(isInstallationName(text)).toBe(isTaken);
});
