import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { TokenProof } from '../../file/proofs.js';
import { BoundedCache } from '../bounded-cache.js';
import { PLAIN_ID } from '../claims.js';
import { ProofRefused, shown } from '../proof-refused.js';
import { KeysUnreachable } from './keys.js';

/** What a token names, or why it does not count. */
export type TokenFinding = string | ProofRefused;

/** How many tokens are remembered as verified: some 300 bytes each. */
const MAX_REMEMBERED = 50_000;
/** For at most so long, in milliseconds: a withdrawn key counts for this and the 10 minutes that keys are cached, no longer. */
const REMEMBERED_FOR = 5 * 60_000;
/** Some issuers never say it, and some say it in words. */
const VERIFIED: ReadonlySet<unknown> = new Set([undefined, true, 'true']);
/** How far clocks may be apart, in seconds. */
const CLOCK_SKEW = 30;

export interface TokensOptions {
  readonly proof: TokenProof;
  readonly keys: JWTVerifyGetKey;
  readonly now: () => number;
  /** Told when the keys of the issuer cannot be had, once for each try, or something unforeseen happens. */
  readonly onTrouble: (message: string, error: unknown) => void;
}

/** Verifies the tokens (JWT) of one issuer, and remembers those that it has verified. */
export class Tokens {
  private readonly verified = new BoundedCache<string>(MAX_REMEMBERED);
  private readonly verifying = new Map<string, Promise<TokenFinding>>();

  private told: KeysUnreachable | undefined;

  constructor(private readonly options: TokensOptions) {}

  /** At once for a token that it knows. Never rejects. */
  read(token: string): TokenFinding | Promise<TokenFinding> {
    const key = BoundedCache.keyOf(token);
    const known = this.verified.get(key, this.options.now()) ?? this.verifying.get(key);
    if (known !== undefined) return known;
    const finding = this.verify(token, key).finally(() => this.verifying.delete(key));
    this.verifying.set(key, finding);
    return finding;
  }

  private async verify(token: string, key: string): Promise<TokenFinding> {
    const { proof, keys, now } = this.options;
    const { issuer, audience, algorithms } = proof;
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms,
        requiredClaims: ['exp'],
        clockTolerance: CLOCK_SKEW,
        currentDate: new Date(now()),
      });
      const id = this.idIn(payload);
      const expiry = ((payload.exp ?? 0) + CLOCK_SKEW) * 1_000;
      this.verified.set(key, id, Math.min(expiry, now() + REMEMBERED_FOR));
      return id;
    } catch (error) {
      return this.refusalOf(error);
    }
  }

  private idIn(payload: JWTPayload): string {
    const { claim, header } = this.options.proof;
    const id = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    if (typeof id !== 'string') throw new ProofRefused(`The token in ${header} has no text as its ${claim}.`);
    if (!PLAIN_ID.test(id)) throw new ProofRefused(`The token in ${header} has "${shown(id)}" as its ${claim}: no id.`);
    if (claim === 'email' && !VERIFIED.has(payload['email_verified'])) {
      throw new ProofRefused(`The token in ${header} has an e-mail address that its issuer did not verify.`);
    }
    return id;
  }

  private refusalOf(error: unknown): ProofRefused {
    if (error instanceof ProofRefused) return error;
    const { proof, onTrouble } = this.options;
    const token = `The token in ${proof.header}`;
    if (error instanceof KeysUnreachable) {
      if (this.told !== error) onTrouble(`the keys of ${proof.issuer} cannot be had: its tokens are refused`, error);
      this.told = error;
      return new ProofRefused(`${token} cannot be checked now: try again in a minute.`, 'identity-missing');
    }
    const why = fault(error, proof);
    if (why !== undefined) return new ProofRefused(`${token} ${why}`);
    onTrouble(`a token of ${proof.issuer} is refused, as checking it failed`, error);
    return new ProofRefused(`${token} cannot be checked.`, 'identity-missing');
  }
}

/** What is wrong with a token, where that is the token's fault. */
function fault(error: unknown, { issuer, audience }: TokenProof): string | undefined {
  if (error instanceof errors.JWTExpired) {
    const { exp } = error.payload;
    return `expired${typeof exp === 'number' ? ` at ${timeOf(exp)}` : ''}: get a new one.`;
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return `is not of ${issuer}.`;
    if (error.claim === 'aud') return `is not for ${audience}.`;
    if (error.claim === 'exp') return 'never expires: have it issued with an end (exp).';
    return `has a wrong ${shown(error.claim)}.`;
  }
  if (error instanceof errors.JWKSNoMatchingKey) return `is signed with a key that ${issuer} does not publish.`;
  if (error instanceof errors.JWKSMultipleMatchingKeys) return 'does not say which key it is signed with (kid).';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'is signed in a way that this gateway does not accept (alg).';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'is not signed by its issuer.';
  return error instanceof errors.JOSEError ? 'is malformed.' : undefined;
}

function timeOf(seconds: number): string {
  const at = new Date(seconds * 1_000);
  return Number.isNaN(at.getTime()) ? 'a time that is none' : at.toISOString();
}
