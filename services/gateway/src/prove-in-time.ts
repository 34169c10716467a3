import type { Evidence, Identity, Prover } from './identity/identity.js';

/** How long finding out who sends a request may take: the keys of a token's issuer may have to be asked for. */
export const PROOF_TIMEOUT_MS = 10_000;

/** Thrown when finding out who sends something took too long: look at how the issuers of tokens answer. */
export class ProofTimedOut extends Error {
  override readonly name = 'ProofTimedOut';
}

/** Who sends it, if that is found out in time. Throws {@link ProofTimedOut}. */
export async function proveInTime(prover: Prover, evidence: Evidence, timeoutMs = PROOF_TIMEOUT_MS): Promise<Identity> {
  const identity = prover.prove(evidence);
  return identity instanceof Promise ? inTime(identity, timeoutMs) : identity;
}

/** The same of what is being found out already. */
export async function inTime(identity: Promise<Identity>, timeoutMs = PROOF_TIMEOUT_MS): Promise<Identity> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProofTimedOut(`no proof within ${timeoutMs} ms`)), timeoutMs);
    timer.unref();
  });
  try {
    return await Promise.race([identity, late]);
  } finally {
    clearTimeout(timer);
  }
}
