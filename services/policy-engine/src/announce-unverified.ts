import type { Logger } from '@stance/service-kit';
import type { PolicyLog, UnverifiedActivation } from './policy-log.js';

/**
 * Says that the log puts a policy into force that nobody signed who may, as a forgery or where a key was taken away too early; or
 * that there are no keys, although policies were signed.
 */
export function announceUnverified(logger: Logger, { unverifiedActivation, active, lacksKeys }: PolicyLog): void {
  if (lacksKeys && active?.ok === false)
    logger.error({ revision: active.revision }, `everything is denied: ${active.errors[0]?.message}`);
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
  readonly unverifiedPolicy?: UnverifiedActivation;
}

/** For `/readyz`, which anybody may read: not who signs. */
export function signatureHealth({ unverifiedActivation }: PolicyLog): SignatureHealth {
  return { ...(unverifiedActivation !== undefined && { unverifiedPolicy: unverifiedActivation }) };
}
