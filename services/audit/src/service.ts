import { defineService } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { AuditTrail } from './audit-trail.js';
import { trailMetrics } from './metrics.js';
import { TrailReader } from './trail-reader.js';

export const audit = defineService({
  name: 'audit',
  httpPort: 9105,
  settings: {},
  lease: () => 'audit',
  build: ({ connection, publisher, logger }) => {
    const trail = new AuditTrail({ connection, publisher, logger, metrics: trailMetrics() });
    return {
      module: AppModule.with(new TrailReader(connection)),
      activate: async () => trail.start(),
      deactivate: () => trail.stop(),
      health: () => {
        const { problem, ...details } = trail.status();
        return { ready: problem === undefined, details: { ...(problem !== undefined && { problem }), ...details } };
      },
    };
  },
});
