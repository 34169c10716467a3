import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose';
import type { TokenProof } from '../../file/proofs.js';
import { startKeyServer, TestIssuer, type KeyServer } from '../fixtures/tokens.js';
import { ProofRefused } from '../proof-refused.js';
import { RemoteKeys } from './keys.js';
import { Tokens, type TokensOptions } from './tokens.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await TestIssuer.create();
});

const proof: TokenProof = {
  issuer: 'https://issuer.example',
  audience: 'stance',
  jwks: '/keys.json',
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  claim: 'device_id',
  header: 'x-device-token',
};

const unexpected: TokensOptions['onTrouble'] = (message, error) => {
  throw new Error(message, { cause: error });
};

function tokens(options: Partial<TokensOptions> = {}): Tokens {
  return new Tokens({ proof, keys: createLocalJWKSet(issuer.jwks), now: Date.now, onTrouble: unexpected, ...options });
}

async function refusal(finding: ReturnType<Tokens['read']>): Promise<string> {
  const found = await finding;
  if (found instanceof ProofRefused) return found.message;
  throw new Error(`was accepted for ${found}`);
}

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const claims = { device_id: 'laptop-1' };
const inOneHour = () => Math.floor(Date.now() / 1_000) + 3_600;
const payload = () => ({ ...claims, iss: proof.issuer, aud: proof.audience, exp: inOneHour() });

describe('a token', () => {
  test('names what its claim says: the first time after it was verified, then at once', async () => {
    const token = await issuer.sign(claims);
    const reader = tokens();
    const first = reader.read(token);
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toBe('laptop-1');
    expect(reader.read(token)).toBe('laptop-1');
  });

  test('is verified once, however many requests bring it together', async () => {
    let asked = 0;
    const local = createLocalJWKSet(issuer.jwks);
    const keys: JWTVerifyGetKey = (header, input) => {
      asked += 1;
      return local(header, input);
    };
    const [token, reader] = [await issuer.sign(claims), tokens({ keys })];
    const found = await Promise.all(Array.from({ length: 50 }, async () => reader.read(token)));
    expect([new Set(found), asked]).toEqual([new Set(['laptop-1']), 1]);
  });

  test.each(['ES256', 'RS256', 'PS256', 'EdDSA'])('may be signed with %s', async (algorithm) => {
    const other = await TestIssuer.create({ algorithm });
    const token = await other.sign(claims);
    expect(await tokens({ keys: createLocalJWKSet(other.jwks) }).read(token)).toBe('laptop-1');
  });

  test('may have several audiences', async () => {
    const token = await issuer.sign({ ...claims, aud: ['other', 'stance'] }, { audience: ['other', 'stance'] });
    expect(await tokens().read(token)).toBe('laptop-1');
  });

  test.each<[string, () => Promise<string> | string, string]>([
    ['is unsigned (alg: none)', () => `${encode({ alg: 'none' })}.${encode(payload())}.`, 'alg'],
    [
      'is signed with the public key as a secret (HS256)',
      () => {
        const signed = `${encode({ alg: 'HS256', kid: 'key-1' })}.${encode(payload())}`;
        const secret = JSON.stringify(issuer.publicKey);
        return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
      },
      'alg',
    ],
    ['is of another issuer', () => issuer.sign(claims, { issuer: 'https://evil.example' }), 'is not of https://issuer'],
    ['is for another audience', () => issuer.sign(claims, { audience: 'wiki' }), 'is not for stance'],
    ['expired', () => issuer.sign(claims, { expiresIn: -31 }), 'expired at'],
    ['never expires', () => issuer.sign(claims, { expiresIn: 'never' }), 'never expires'],
    ['is not valid yet', () => issuer.sign({ ...claims, nbf: inOneHour() }), 'nbf'],
    ['is signed with an unknown key', () => issuer.sign(claims, { kid: 'key-2' }), 'does not publish'],
    ['is signed with a key of the same name', async () => (await TestIssuer.create()).sign(claims), 'not signed by'],
    ['has other content than was signed', async () => tampered(await issuer.sign(claims)), 'not signed by'],
    ['names nobody', () => issuer.sign({ sub: 'laptop-1' }), 'no text as its device_id'],
    ['names a number', () => issuer.sign({ device_id: 7 }), 'no text'],
    ['names several', () => issuer.sign({ device_id: ['laptop-1', 'laptop-2'] }), 'no text'],
    ['names what is no id', () => issuer.sign({ device_id: 'laptop-1\nX: y' }), '"laptop-1?X: y"'],
    ['is none', () => 'laptop-1', 'malformed'],
    ['is none, with dots', () => 'a.b.c', 'malformed'],
    ['is encrypted', () => 'a.b.c.d.e', 'malformed'],
    [
      'demands what we do not know (crit)',
      () => `${encode({ alg: 'ES256', kid: 'key-1', crit: ['x'], x: 1 })}.${encode(payload())}.AAAA`,
      'malformed',
    ],
    [
      'brings the key that it is signed with',
      async () => {
        const other = await TestIssuer.create();
        return other.signWith({ jwk: other.publicKey, jku: 'http://127.0.0.1:9/' }, claims);
      },
      'not signed by',
    ],
  ])('is refused if it %s', async (_case, token, why) => {
    const reader = tokens();
    const shown = await token();
    expect(await refusal(reader.read(shown))).toContain(why);
    expect(await refusal(reader.read(shown))).toContain(why);
  });

  describe('with an e-mail address', () => {
    const reader = () => tokens({ proof: { ...proof, claim: 'email', header: 'authorization' } });
    const email = 'anna@example.org';

    test.each([[{}], [{ email_verified: true }], [{ email_verified: 'true' }]])('counts with %j', async (said) => {
      expect(await reader().read(await issuer.sign({ email, ...said }))).toBe(email);
    });

    test.each([false, 'false', 'no', '', 0, 1, null])('is refused where it is verified: %j', async (email_verified) => {
      expect(await refusal(reader().read(await issuer.sign({ email, email_verified })))).toContain('not verify');
    });
  });

  test('counts for 30 s longer than it says, and then not any more, also when it is remembered', async () => {
    let now = Date.now();
    const reader = tokens({ now: () => now });
    const token = await issuer.sign(claims, { expiresIn: 60 });
    expect(await reader.read(token)).toBe('laptop-1');
    now += 85_000;
    expect(reader.read(token)).toBe('laptop-1');
    // It was issued a moment after the clock here was set.
    now += 30_000;
    expect(await refusal(reader.read(token))).toContain('expired at');
  });

  test('is verified anew after five minutes', async () => {
    let now = Date.now();
    let published = issuer.jwks;
    const reader = tokens({ now: () => now, keys: (header, input) => createLocalJWKSet(published)(header, input) });
    const token = await issuer.sign(claims, { expiresIn: 3_600 });
    await reader.read(token);
    published = { keys: [] };
    now += 299_000;
    expect(reader.read(token)).toBe('laptop-1');
    now += 2_000;
    expect(await refusal(reader.read(token))).toContain('does not publish');
  });
});

describe('keys of a key server', () => {
  let server: KeyServer;
  beforeAll(async () => {
    server = await startKeyServer(issuer);
  });
  afterEach(() => {
    server.mood = 'well';
  });
  afterAll(() => server.close());

  function remote(now = () => Date.now()) {
    const troubles: string[] = [];
    const keys = new RemoteKeys(server.url, now).find;
    return { troubles, reader: tokens({ keys, now, onTrouble: (message) => troubles.push(message) }) };
  }

  test('are asked for once', async () => {
    const { reader } = remote();
    const asked = server.asked;
    for (const id of ['laptop-1', 'laptop-2', 'laptop-3']) {
      expect(await reader.read(await issuer.sign({ device_id: id }))).toBe(id);
    }
    expect(server.asked - asked).toBe(1);
  });

  test('are not asked for again at the word of a stranger', async () => {
    const { reader, troubles } = remote();
    await reader.read(await issuer.sign(claims));
    const asked = server.asked;
    for (const kid of ['a', 'b', 'c']) {
      expect(await refusal(reader.read(await issuer.sign(claims, { kid })))).toContain('does not publish');
    }
    expect([server.asked - asked, troubles]).toEqual([0, []]);
  });

  test('that cannot be had refuse the token, tell why, and are tried again', async () => {
    let now = Date.now();
    const { reader, troubles } = remote(() => now);
    const token = await issuer.sign(claims);
    server.mood = 'failing';
    const asked = server.asked;
    expect(await refusal(reader.read(token))).toContain('try again in a minute');
    expect(await refusal(reader.read(token))).toContain('try again in a minute');
    expect([server.asked - asked, troubles]).toEqual([
      1,
      ['the keys of https://issuer.example cannot be had: its tokens are refused'],
    ]);
    server.mood = 'well';
    now += 1_001;
    expect(await reader.read(token)).toBe('laptop-1');
  });

  test('that are known count while the server is down, whatever strangers show', async () => {
    const { reader, troubles } = remote();
    await reader.read(await issuer.sign(claims));
    // Long enough ago that the server is asked for a key that is not known.
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 31_000);
    try {
      server.mood = 'failing';
      const asked = server.asked;
      for (const kid of ['a', 'b']) {
        expect(await refusal(reader.read(await issuer.sign(claims, { kid })))).toContain('cannot be checked now');
        expect(await reader.read(await issuer.sign({ device_id: `laptop-${kid}` }))).toBe(`laptop-${kid}`);
      }
      expect([server.asked - asked, troubles]).toEqual([1, [expect.stringContaining('cannot be had')]]);
    } finally {
      clock.mockRestore();
    }
  });

  test('of a server that never answers refuse the token within seconds', async () => {
    const { reader, troubles } = remote();
    server.mood = 'silent';
    const started = performance.now();
    const waiting = await Promise.all(['a', 'b', 'c'].map((device_id) => issuer.sign({ device_id })));
    const refused = await Promise.all(waiting.map((token) => refusal(reader.read(token))));
    expect(new Set(refused)).toEqual(new Set([expect.stringContaining('cannot be checked now')]));
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(troubles).toHaveLength(1);
  });
});

/** The same signature under another device. */
function tampered(token: string): string {
  const [header, , signature] = token.split('.');
  return [header, encode({ ...payload(), device_id: 'laptop-2' }), signature].join('.');
}
