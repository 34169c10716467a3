import type { Gateway } from '@stance/gateway-sdk';
import { defineService, duration } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { namedFileProblems } from './file/named-files.js';
import { gatewayFileSetting } from './file/gateway-file.setting.js';
import { createProver } from './identity/create-prover.js';
import type { IdentityProver } from './identity/identity-prover.js';
import { ReferenceGateway } from './reference-gateway.js';

/** The reference gateway. Replicas need no lease: each answers for itself, from the same streams. */
export const gateway = defineService({
  name: 'gateway',
  httpPort: 9107,
  settings: {
    STANCE_GATEWAY_FILE: gatewayFileSetting,
    STANCE_GATEWAY_MAX_SILENCE: duration({
      default: '5m',
      min: '10s',
      max: '24h',
      description: 'without a report of the policy engine for this long, everything is denied',
    }),
  },
  check: ({ STANCE_GATEWAY_FILE: file }) => namedFileProblems(file).map((problem) => `STANCE_GATEWAY_FILE: ${problem}`),
  build: async ({ config, connection, logger }) => {
    const file = config.STANCE_GATEWAY_FILE;
    const prover = await createProver(file, {
      onTrouble: (message, error) => logger.warn({ ...(error !== undefined && { err: error }) }, message),
    });
    const maxSilenceMs = config.STANCE_GATEWAY_MAX_SILENCE;
    const reference = new ReferenceGateway({ file, connection, maxSilenceMs, prover, logger });
    return {
      module: AppModule.with(reference.gateway, reference.denials),
      tables: { followed: [warmUp(reference.gateway, prover)] },
      activate: () => reference.start(),
      deactivate: () => reference.close(),
      health: () => reference.health(),
    };
  },
});

/** The gateway as the service lifecycle loads and stops it, also where it never gets to answer anybody. */
function warmUp(gateway: Gateway, prover: IdentityProver) {
  const load = async (signal?: AbortSignal) => {
    const stop = () => void gateway.close();
    signal?.addEventListener('abort', stop, { once: true });
    await gateway.loaded;
    signal?.removeEventListener('abort', stop);
    signal?.throwIfAborted();
  };
  const stopFollowing = () => {
    prover.close();
    return gateway.close();
  };
  return { load, caughtUp: () => Promise.resolve(), stopFollowing };
}
