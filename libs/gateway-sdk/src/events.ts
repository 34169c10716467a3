import { keysOf, MalformedToken, type Cause, type Envelope, type EventContract, type KeysOf } from '@stance/contracts';
import type { Revocation } from './session.js';

/** What an event passes on to what follows from it. */
export function causeOf({ txn, traceparent, observedat }: Envelope): Cause {
  return { txn, traceparent, observedat };
}

export function revocationOf(
  reasons: Revocation['reasons'],
  revisions: Revocation['revisions'],
  cause: Cause,
): Revocation {
  return { reasons, revisions, cause, ...(cause.observedat !== undefined && { observedAt: cause.observedat }) };
}

/** The ids in a subject, whatever the message holds; `undefined` where the subject is none of the contract's. */
export function keysOrNothing<Contract extends EventContract>(
  contract: Contract,
  subject: string,
): KeysOf<Contract> | undefined {
  try {
    return keysOf(contract, subject);
  } catch (error) {
    if (error instanceof MalformedToken) return undefined;
    throw error;
  }
}
