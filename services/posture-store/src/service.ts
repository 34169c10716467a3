import { defineService, Review } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { DevicesByState } from './metrics.js';
import { PostureKeeper } from './posture-keeper.js';
import { createTables, readRegister } from './posture.store.js';

export const postureStore = defineService({
  name: 'posture-store',
  httpPort: 9103,
  settings: {},
  lease: () => 'posture-store',
  build: ({ connection, publisher, logger }) => {
    const keeper = new PostureKeeper((keys) => readRegister(connection, keys));
    const devices = new DevicesByState();
    const tables = createTables(connection, publisher, keeper.registerChanged, devices);
    let endObservation: (() => void) | undefined;
    keeper.use(tables);
    const review = new Review(
      () => keeper.leftBehind(),
      (deviceId) => keeper.refresh(deviceId, { input: 'takeover', cause: {} }),
      logger,
    );
    return {
      module: AppModule.with(keeper, tables),
      tables: { fed: [tables.registers, tables.devices, tables.postures] },
      activate: async () => {
        endObservation = devices.observe();
        review.start();
      },
      deactivate: async () => {
        endObservation?.();
        await review.stop();
      },
    };
  },
});
