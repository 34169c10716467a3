import { readFileSync } from 'node:fs';
import { atLeast } from '@stance/contracts';
import { createLocalJWKSet, createRemoteJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { z } from 'zod';

/** Thrown when an issuer's key server did not give its keys: it has to be reachable from the gateway. */
export class KeysUnreachable extends Error {
  override readonly name = 'KeysUnreachable';
}

/** Thrown for a file with keys that are none, or that are not for everybody. */
export class KeysUnusable extends Error {
  override readonly name = 'KeysUnusable';
}

/** The parameters of private and of shared keys (RFC 7518). */
const keySetFile = z.object({
  keys: z
    .array(
      z.looseObject({ kty: z.string() }).refine((key) => !('d' in key) && !('k' in key), {
        message: 'holds a secret key: only public ones belong there',
      }),
    )
    .check(atLeast(1, 'has no key')),
});

/** The keys of a file (JWKS), read once. Throws {@link KeysUnusable}. */
export function keysOfFile(path: string): JWTVerifyGetKey {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new KeysUnusable(`cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const parsed = keySetFile.safeParse(content);
  if (!parsed.success) {
    const said = parsed.error.issues.map(({ path: at, message }) => `${at.map(String).join('.') || 'it'}: ${message}`);
    throw new KeysUnusable(`is no set of public keys (JWKS): ${said.join('; ')}`);
  }
  return createLocalJWKSet(parsed.data satisfies JSONWebKeySet);
}

/** How long the server may take, in milliseconds; how long its answer is used; after what a key unknown is asked for again. */
const SERVER_TIMES = { timeoutDuration: 4_000, cacheMaxAge: 600_000, cooldownDuration: 30_000 };
/** After a failure it is left alone for so long, in milliseconds; keys that it has given count meanwhile. */
const RETRY_AFTER = 1_000;

/** The keys of a key server, asked for when they are needed. */
export class RemoteKeys {
  private readonly ask: ReturnType<typeof createRemoteJWKSet>;
  private failedAt = -Infinity;
  private failure = new KeysUnreachable('they were not asked for yet');

  constructor(
    url: URL,
    private readonly now: () => number,
  ) {
    this.ask = createRemoteJWKSet(url, SERVER_TIMES);
  }

  /** Throws {@link KeysUnreachable}, the same for one failure, and what jose throws for a key that the server does not have. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.now() - this.failedAt < RETRY_AFTER) return this.findCached(header, token);
    try {
      return await this.ask(header, token);
    } catch (error) {
      if (isAboutKey(error)) throw error;
      this.failedAt = this.now();
      // Requests that wait together share what jose throws.
      if (this.failure.cause !== error) this.failure = new KeysUnreachable(messageOf(error), { cause: error });
      throw this.failure;
    }
  };

  /** A key that is not among those given may be a new one, which only the server knows. */
  private readonly findCached: JWTVerifyGetKey = async (header, token) => {
    const keys = this.ask.fresh ? this.ask.jwks() : undefined;
    if (keys === undefined) throw this.failure;
    try {
      return await createLocalJWKSet(keys)(header, token);
    } catch (error) {
      throw error instanceof errors.JWKSNoMatchingKey ? this.failure : error;
    }
  };
}

function isAboutKey(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
