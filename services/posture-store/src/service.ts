import { defineService, Review } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { PostureKeeper } from './posture-keeper.js';
import { createTables, readRegister } from './posture.store.js';

export const postureStore = defineService({
  name: 'posture-store',
  httpPort: 9103,
  settings: {},
  lease: () => 'posture-store',
  build: ({ connection, publisher, logger }) => {
    const keeper = new PostureKeeper((keys) => readRegister(connection, keys));
    const tables = createTables(connection, publisher, keeper.registerChanged);
    keeper.use(tables);
    const review = new Review(
      () => keeper.leftBehind(),
      (deviceId) => keeper.refresh(deviceId, { input: 'takeover', cause: {} }),
      logger,
    );
    return {
      module: AppModule.with(keeper, tables),
      tables: { fed: [tables.registers, tables.devices, tables.postures] },
      activate: async () => review.start(),
      deactivate: () => review.stop(),
    };
  },
});
