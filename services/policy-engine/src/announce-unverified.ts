import type { Logger } from '@stance/service-kit';
import type { PolicyLog, UnverifiedActivation } from './policy-log.js';

/** Says that the log puts a policy into force that nobody signed who may: a forgery, or a key was taken away too early. */
export function announceUnverified(logger: Logger, { unverifiedActivation, active }: PolicyLog): void {
  if (unverifiedActivation === undefined) return;
  const { revision, reason } = unverifiedActivation;
  const inForce = active?.ok === true ? `revision ${active.revision} stays in force` : 'everything is denied';
  logger.error(
    { revision, reason },
    `the log says that revision ${revision} came into force, but ${reason}: it does not count, ${inForce}. ` +
      'Find out who wrote it, then publish a policy that is signed: `stance policy publish <file> --key <key>`',
  );
}

interface SignatureHealth {
  /** Of the policy in force, or the newer one in report mode beside it. */
  readonly policySigner?: string;
  readonly unverifiedPolicy?: UnverifiedActivation;
}

/** For `/readyz`. */
export function signatureHealth({ signature, unverifiedActivation }: PolicyLog): SignatureHealth {
  return {
    ...(signature !== undefined && { policySigner: signature.signer }),
    ...(unverifiedActivation !== undefined && { unverifiedPolicy: unverifiedActivation }),
  };
}
