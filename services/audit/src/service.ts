import { defineService, duration } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { AuditTrail } from './audit-trail.js';
import { observeTrail, trailMetrics } from './metrics.js';
import { SelfVerification } from './self-verification.js';
import { connectTrail, TRAIL_SETTINGS } from './trail-connection.js';
import { StreamSizes } from './stream-sizes.js';
import { TrailReader } from './trail-reader.js';

/** More records than are usually in flight: recording does not keep up. */
const BUSY = 512;

export const audit = defineService({
  name: 'audit',
  httpPort: 9105,
  settings: {
    ...TRAIL_SETTINGS,
    STANCE_AUDIT_VERIFY_INTERVAL: duration({
      default: '1h',
      min: '10s',
      max: '30d',
      description: 'how long after one verification of its trail audit begins the next, in the background',
    }),
  },
  lease: () => 'audit',
  build: async ({ config, connection, server, publisher, logger }) => {
    const place = await connectTrail(config, server, { connection, publisher });
    const trail = new AuditTrail({
      connection,
      trail: place.connection,
      publisher: place.publisher,
      logger,
      metrics: trailMetrics(),
    });
    const reader = new TrailReader(place.connection);
    const verification = new SelfVerification({
      verify: (options) => reader.verify(options),
      isBusy: () => trail.status().waiting > BUSY,
      logger,
      everyMs: config.STANCE_AUDIT_VERIFY_INTERVAL,
    });
    const sizes = new StreamSizes({ facts: connection, trail: place.connection }, logger);
    let endObservation: (() => void) | undefined;
    return {
      module: AppModule.with(reader),
      activate: async () => {
        trail.start();
        verification.start();
        sizes.start();
        endObservation = observeTrail({ trail, verification });
      },
      deactivate: async () => {
        endObservation?.();
        sizes.stop();
        await Promise.all([trail.stop(), verification.stop()]);
        await place.close();
      },
      // A damaged trail does not make it unready: it goes on recording, nothing repairs what is damaged, and where all runs
      // in one process, who can write one bad record would take the gateway out of service with it.
      health: () => {
        const { problem, ...details } = trail.status();
        return {
          ready: problem === undefined,
          details: {
            ...(problem !== undefined && { problem }),
            ...details,
            verification: verification.status() ?? null,
          },
        };
      },
    };
  },
});
