import type { DataOf, PolicyActivated } from '@stance/contracts';
import { NOT_WELL_FORMED, sha256Of, verifyPolicy, type PolicyAdmins } from '@stance/policy-signature';
import type { PublishedPolicy } from './loaded-policy.js';

/** Whether a publication may come into force as far as signatures go, or why not. */
export type Admission =
  | { readonly ok: true; readonly signature: VerifiedSignature | undefined }
  | { readonly ok: false; readonly reason: string };

/** By whom a document was signed, and when (milliseconds since the epoch). */
export interface VerifiedSignature {
  readonly signer: string;
  readonly signedAt: number;
  readonly sha256: string;
}

/**
 * Admits a publication at the time `at` (milliseconds since the epoch): any where there are no keys, else one that was signed
 * for this installation and later than `last`, the newest that came into force. So nobody brings back a policy of old with the signature it once had
 * (docs/adr/0013). Pure.
 */
export function admit(
  published: PublishedPolicy,
  admins: PolicyAdmins | undefined,
  last: VerifiedSignature | undefined,
  at: number,
): Admission {
  if (!published.document.isWellFormed()) return { ok: false, reason: NOT_WELL_FORMED };
  if (admins === undefined) return { ok: true, signature: undefined };
  const verdict = verifyPolicy(published, admins, at);
  if (!verdict.ok) {
    const { reason } = verdict;
    return {
      ok: false,
      reason: `${reason}; only what a policy admin signed comes into force: see \`stance policy sign\``,
    };
  }
  const { signer, signedAt } = verdict;
  const signature = { signer, signedAt, sha256: sha256Of(published.document) };
  if (last === undefined || signedAt > last.signedAt) return { ok: true, signature };
  if (signedAt === last.signedAt && signature.sha256 === last.sha256) return { ok: true, signature };
  const times = `at ${iso(signedAt)}, and one signed at ${iso(last.signedAt)} came into force before it`;
  return {
    ok: false,
    reason: `it was signed ${times}: an older policy has to be signed anew, as \`stance policy rollback --key\` does`,
  };
}

/** The engine's last word in the log, and how it bears on a publication. */
export interface LastWord {
  readonly activation: DataOf<typeof PolicyActivated>;
  /** Whether it was stored after the publication. */
  readonly cameAfter: boolean;
  /** Whether anything was published under its revision. */
  readonly isPublished: boolean;
}

/**
 * Whether the last word settles a revision: it is on it, or on a later one. Where policies are signed, nobody's word makes an
 * unsigned one active, nor keeps a signed one out by speaking of what was not published yet. Pure.
 */
export function isSettledBy(
  { activation, cameAfter, isPublished }: LastWord,
  revision: number,
  { admission, needsSignature }: { readonly admission: Admission; readonly needsSignature: boolean },
): boolean {
  if (!needsSignature) return activation.revision >= revision;
  if (activation.revision > revision) return isPublished;
  return activation.revision === revision && cameAfter && (activation.outcome === 'refused' || admission.ok);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
