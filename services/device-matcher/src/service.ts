import { AgentObserved } from '@stance/contracts';
import { readLastEvent } from '@stance/jetstream';
import { defineService } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { Matcher } from './matcher.js';
import { createTables } from './matching.store.js';

export const deviceMatcher = defineService({
  name: 'device-matcher',
  httpPort: 9102,
  settings: {},
  lease: () => 'device-matcher',
  build: ({ connection, publisher }) => {
    const matcher = new Matcher(async (keys) => (await readLastEvent(connection, AgentObserved, keys))?.event.data);
    const tables = createTables(connection, publisher, matcher.index);
    matcher.use(tables);
    return {
      module: AppModule.with(matcher, tables),
      tables: { fed: [tables.agents, tables.devices, tables.registers] },
    };
  },
});
