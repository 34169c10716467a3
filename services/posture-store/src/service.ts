import { AgentMatched } from '@stance/contracts';
import { readLastEvent } from '@stance/jetstream';
import { defineService } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { PostureKeeper } from './posture-keeper.js';
import { createTables } from './posture.store.js';

export const postureStore = defineService({
  name: 'posture-store',
  httpPort: 9103,
  settings: {},
  lease: () => 'posture-store',
  build: ({ connection, publisher }) => {
    const keeper = new PostureKeeper(async (keys) => {
      const stored = await readLastEvent(connection, AgentMatched, keys);
      return stored && { register: stored.event.data, sequence: stored.sequence };
    });
    const tables = createTables(connection, publisher, keeper.registerChanged);
    keeper.use(tables);
    return {
      module: AppModule.with(keeper, tables),
      tables: { fed: [tables.registers, tables.devices, tables.postures] },
    };
  },
});
