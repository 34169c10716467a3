import { startNatsServer } from '@stance/nats-server';

import { freePort } from '../free-port.js';
import { temporaryFolder } from '../temporary-folder.js';
import type { RunningServer, ServerSettings } from './running-server.js';

/** A server from the local binary, its storage in a temporary folder. */
export async function startFromBinary(settings: ServerSettings): Promise<RunningServer> {
  const folder = await temporaryFolder();
  try {
    const server = await startNatsServer({
      storeDir: folder.path,
      name: 'stance-test',
      // Not any: a server that is restarted has to get its own again.
      port: await freePort(),
      ...settings,
    });
    return {
      url: server.url,
      stop: () => server.stop(),
      kill: () => server.kill(),
      restart: () => server.restart(),
      close: async () => {
        await server.kill();
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}
