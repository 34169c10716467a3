import { describe, expect, it } from '@jest/globals';
import { readPolicyKeys } from '@stance/policy-signature';
import { admit, isSettledBy, type Admission, type LastWord } from './admission.js';
import { HEALTHY_READS_WIKI, published } from './spec/policies.js';
import { INSTALLATION, PolicyAdmin } from './spec/policy-admin.js';

const T1 = Date.parse('2026-11-20T08:00:00.000Z');
const T2 = Date.parse('2026-11-21T08:00:00.000Z');
const MINUTE = 60_000;
const ana = new PolicyAdmin('ana@example.com');
const admins = { keys: readPolicyKeys(ana.line()), installation: INSTALLATION };
const OTHER = `${HEALTHY_READS_WIKI}# other\n`;

const signed = (document: string, signedAt: number) => published(document, { signature: ana.sign(document, signedAt) });

describe('admission of a publication', () => {
  it('asks nothing where there are no keys', () => {
    expect(admit(published(OTHER, { signature: 'nonsense' }), undefined, undefined, T2)).toEqual({
      ok: true,
      signature: undefined,
    });
  });

  it('takes no document that is not well-formed Unicode, with or without keys', () => {
    const document = `${OTHER}# \ud800\n`;
    const refused = { ok: false, reason: expect.stringContaining('not well-formed Unicode') };
    expect(admit(published(document), undefined, undefined, T2)).toEqual(refused);
    expect(admit(signed(document.toWellFormed(), T1), admins, undefined, T2)).toMatchObject({ ok: true });
    const half = published(document, { signature: ana.sign(document.toWellFormed(), T1) });
    expect(admit(half, admins, undefined, T2)).toEqual(refused);
  });

  it('takes nothing that was signed for another installation', () => {
    const forStaging = published(OTHER, { signature: ana.sign(OTHER, T1, 'staging') });
    expect(admit(forStaging, admins, undefined, T2)).toEqual({
      ok: false,
      reason: expect.stringMatching(
        /^it is signed for the installation staging, and this one is production; only what/,
      ),
    });
  });

  const inForce = admit(signed(HEALTHY_READS_WIKI, T1), admins, undefined, T2);
  const last = inForce.ok ? inForce.signature : undefined;

  it.each<[string, string, number, boolean]>([
    ['signed later than the one in force', OTHER, T1 + 1, true],
    ['signed before the one in force', OTHER, T1 - 1, false],
    ['signed with the one in force', OTHER, T1, false],
    ['the one in force, published again', HEALTHY_READS_WIKI, T1, true],
    ['the one in force, by a signature of old', HEALTHY_READS_WIKI, T1 - 1, false],
    ['signed for a time that lies ahead', OTHER, T2 + 6 * MINUTE, false],
  ])('of one %s', (_, document, signedAt, ok) => {
    expect(last).toMatchObject({ signer: 'ana@example.com', signedAt: T1 });
    expect(admit(signed(document, signedAt), admins, last, T2).ok).toBe(ok);
  });

  it('says what to do about an older one', () => {
    expect(admit(signed(OTHER, T1 - 1), admins, last, T2)).toEqual({
      ok: false,
      reason: expect.stringMatching(
        /signed at 2026-11-20T07:59:59\.999Z.*has to be signed anew, as `stance policy rollback --key` does/,
      ),
    });
  });

  it('does not take the word of the publication for its hash', () => {
    const forged = { ...signed(HEALTHY_READS_WIKI, T2), document: OTHER };
    expect(admit(forged, admins, undefined, T2)).toMatchObject({
      ok: false,
      reason: expect.stringContaining('another document'),
    });
  });
});

describe('whether the last word in the log settles revision 5', () => {
  const good: Admission = { ok: true, signature: undefined };
  const bad: Admission = { ok: false, reason: 'it is not signed' };
  it.each<[string, { revision: number; outcome?: 'refused'; cameAfter?: boolean }, Admission, boolean]>([
    ['an older one', { revision: 4 }, good, false],
    ['the same, and it is signed', { revision: 5 }, good, true],
    ['the same, and it is not signed', { revision: 5 }, bad, false],
    ['its refusal', { revision: 5, outcome: 'refused' }, bad, true],
    ['its activation before it was published', { revision: 5, cameAfter: false }, good, false],
    ['its refusal before it was published', { revision: 5, outcome: 'refused', cameAfter: false }, good, false],
    ['a later one that was published', { revision: 6 }, good, true],
    ['one that nobody ever published', { revision: 9 }, good, false],
  ])('%s', (_, { revision, outcome = 'active' as const, cameAfter = true }, admission, settles) => {
    const word: LastWord = { activation: { revision, outcome, errors: [] }, cameAfter, isPublished: revision <= 6 };
    expect(isSettledBy(word, 5, { admission, needsSignature: true })).toBe(settles);
    // Where policies are not signed, the log is believed.
    expect(isSettledBy(word, 5, { admission, needsSignature: false })).toBe(revision >= 5);
  });
});
