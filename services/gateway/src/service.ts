import { Gateway } from '@stance/gateway-sdk';
import { defineService, duration } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { AuthorizeServer } from './authorize-server.js';
import { gatewayFileSetting } from './gateway-file.setting.js';

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
  build: ({ config, connection, logger }) => {
    const file = config.STANCE_GATEWAY_FILE;
    const gateway = new Gateway({
      connection,
      gateway: file.name,
      maxSilenceMs: config.STANCE_GATEWAY_MAX_SILENCE,
      onRevoked: ({ sessionId, deviceId, resource, user }, { reasons, cause }) => {
        // The session is out of the register: its next request is answered by the decision that ended it.
        logger.info({ sessionId, deviceId, resource, user, reasons, txn: cause.txn }, 'session revoked');
      },
      onTrouble: (message, error) => logger.warn({ err: error }, message),
    });
    const server = new AuthorizeServer({
      file,
      gateway,
      onReportedDenial: ({ deviceId, user, resource }, { reasons }) => {
        logger.warn(
          { deviceId, user, resource, reasons },
          'let in a device that the policy denies: nothing is enforced here',
        );
      },
      onError: (error) => logger.error({ err: error }, 'a request was denied because answering it failed'),
    });
    let url: string | null = null;
    return {
      module: AppModule.with(gateway),
      tables: { followed: [warmUp(gateway)] },
      activate: async () => {
        await server.start();
        url = server.url;
        logger.info({ url: `${url}/authorize`, gateway: file.name }, 'answering proxies');
      },
      deactivate: () => server.close(),
      health: () => {
        const { loaded, trusted, engineHeardAt, ...rest } = gateway.health();
        const heard = engineHeardAt === undefined ? null : new Date(engineHeardAt).toISOString();
        return {
          ready: loaded && trusted,
          details: { gateway: file.name, url, loaded, trusted, engineHeardAt: heard, ...rest },
        };
      },
    };
  },
});

/** The gateway as the service lifecycle loads and stops it. */
function warmUp(gateway: Gateway) {
  const load = async (signal?: AbortSignal) => {
    const stop = () => void gateway.close();
    signal?.addEventListener('abort', stop, { once: true });
    await gateway.loaded;
    signal?.removeEventListener('abort', stop);
    signal?.throwIfAborted();
  };
  return { load, caughtUp: () => Promise.resolve(), stopFollowing: () => gateway.close() };
}
