import type { PolicyKeys } from './policy-keys.js';
import { NAMESPACE, readSignatureFile, sha256Of, statementText } from './policy-statement.js';
import { printable } from './ssh-public-key.js';
import { isSignatureOf, readSignature } from './ssh-signature.js';
import { SshFormatError } from './ssh-wire.js';

/** A document and, where it has one, the content of its signature file. */
export interface SignedPolicy {
  readonly document: string;
  readonly signature?: string | undefined;
}

/** Whose signature puts a policy into force, and where. */
export interface PolicyAdmins {
  readonly keys: PolicyKeys;
  /** Its name: a signature for another one counts for nothing here, though its signer may sign here too. */
  readonly installation: string;
}

/** Who signed a document and when (milliseconds since the epoch), or why nobody did who may. */
export type SignatureVerdict =
  | { readonly ok: true; readonly signer: string; readonly fingerprint: string; readonly signedAt: number }
  | { readonly ok: false; readonly reason: string };

/** Why a document is none, signed or not; fits after a colon. */
export const NOT_WELL_FORMED = 'it is not well-formed Unicode: half of a character stands alone';

/** How far clocks may be apart, in milliseconds. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Verifies a signature as of the time `at` (milliseconds since the epoch) at which the policy comes into force. Pure. */
export function verifyPolicy(
  { document, signature }: SignedPolicy,
  admins: PolicyAdmins,
  at: number,
): SignatureVerdict {
  // In UTF-8 it would be another document, whose signature would fit this one too.
  if (!document.isWellFormed()) return { ok: false, reason: NOT_WELL_FORMED };
  if (signature === undefined) return { ok: false, reason: 'it is not signed' };
  try {
    return verify(document, signature, admins, at);
  } catch (error) {
    if (error instanceof SshFormatError) return { ok: false, reason: `its signature cannot be read: ${error.message}` };
    throw error;
  }
}

function verify(document: string, file: string, { keys, installation }: PolicyAdmins, at: number): SignatureVerdict {
  const refuse = (reason: string): SignatureVerdict => ({ ok: false, reason });
  const { statement, signature: armoured } = readSignatureFile(file);
  const { sha256, signedAt } = statement;
  if (sha256 !== sha256Of(document)) return refuse('its signature is that of another document');
  if (statement.installation !== installation) {
    return refuse(`it is signed for the installation ${statement.installation}, and this one is ${installation}`);
  }
  const signature = readSignature(armoured);
  const { fingerprint } = signature.publicKey;
  if (signature.namespace !== NAMESPACE) {
    return refuse(`its signature was made for ${printable(signature.namespace)}, not for ${NAMESPACE}`);
  }
  const key = keys.get(fingerprint);
  if (key === undefined)
    return refuse(`it is signed by the key ${fingerprint}, which is not among those of the policy admins`);
  if (!isSignatureOf(signature, statementText(statement)))
    return refuse(`it was not signed by ${key.signer}: the signature is wrong`);
  if (signedAt > at + CLOCK_TOLERANCE_MS) {
    return refuse(`it is signed for ${iso(signedAt)}, which lies ahead: is the clock of who signed it right?`);
  }
  if (signedAt < key.validAfter) return refuse(`the key of ${key.signer} counts only from ${iso(key.validAfter)}`);
  // Both: who holds a key that has ended could give any time for which it was valid.
  if (signedAt >= key.validBefore || at - CLOCK_TOLERANCE_MS >= key.validBefore) {
    return refuse(`the key of ${key.signer} ended at ${iso(key.validBefore)}`);
  }
  return { ok: true, signer: key.signer, fingerprint, signedAt };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
