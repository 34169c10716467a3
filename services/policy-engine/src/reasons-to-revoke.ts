import { isForUser, isProofEnough, type Reason } from '@stance/contracts';
import { ownOf, type Verdict } from './decision.js';
import type { OpenSession } from './open-sessions.js';

const OWNER_ONLY: Reason = {
  code: 'no-rule',
  message: 'Only the owner of this device may reach this resource with it.',
};

/** Why a session may not go on; undefined where it may. Gateways end the same ones by themselves. */
export function reasonsToRevoke(
  { resource, user, proof }: Pick<OpenSession, 'resource' | 'user' | 'proof'>,
  { resources, identity }: Pick<Verdict, 'resources' | 'identity'>,
): readonly Reason[] | undefined {
  const decision = ownOf(resources, resource);
  // A resource that no decision speaks of any more is denied like any other.
  if (decision === undefined) return [{ code: 'no-rule', message: `No gateway serves ${resource} any more.` }];
  const { effect, enforced, heldUntil, requiresOwner, reasons } = decision;
  if (effect === 'deny' && enforced) return reasons;
  if (!isProofEnough(proof, identity)) {
    const message = `The device was proved by ${proof ?? 'address'}; the gateway needs a proof by ${identity} now.`;
    return [{ code: 'identity-missing', message }];
  }
  // What is only reported keeps nobody out.
  const isApplied = enforced || heldUntil !== undefined;
  return isApplied && !isForUser(requiresOwner, user) ? [OWNER_ONLY] : undefined;
}
