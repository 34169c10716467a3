import { defineService } from '@stance/service-kit';
import { AppModule } from './app.module.js';
import { Matcher } from './matcher.js';
import { createTables, readRegister } from './matching.store.js';

export const deviceMatcher = defineService({
  name: 'device-matcher',
  httpPort: 9102,
  settings: {},
  lease: () => 'device-matcher',
  build: ({ connection, publisher }) => {
    const matcher = new Matcher((keys) => readRegister(connection, tables, keys));
    const tables = createTables(connection, publisher, matcher.index);
    matcher.use(tables);
    return {
      module: AppModule.with(matcher, tables),
      tables: { fed: [tables.agents, tables.devices, tables.registers] },
    };
  },
});
