import { AgentMatched, DeviceRecorded } from '@stance/contracts';
import { settled } from '@stance/jetstream';
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
    const refresh = (deviceId: string) => keeper.refresh(deviceId, { input: 'takeover', cause: {} });
    const backlogSettled = (stopped: AbortSignal) =>
      Promise.all([DeviceRecorded, AgentMatched].map((input) => settled(connection, input, 'posture-store', stopped)));
    const reviews = [
      new Review(() => keeper.leftBehind(), refresh, logger),
      new Review(() => keeper.missed(), refresh, logger, backlogSettled),
    ];
    return {
      module: AppModule.with(keeper, tables),
      tables: { fed: [tables.registers, tables.devices, tables.postures] },
      activate: async () => {
        endObservation = devices.observe();
        for (const review of reviews) review.start();
      },
      deactivate: async () => {
        endObservation?.();
        await Promise.all(reviews.map((review) => review.stop()));
      },
    };
  },
});
