import type { RunningServer, ServerSettings } from './running-server.js';
import { connect } from '@nats-io/transport-node';
import { freePort } from '../free-port.js';
import { waitFor } from '../wait-for.js';

const configPath = '/etc/nats/stance-test.conf';

/** A server from the `nats` image; its port on the host stays the same over restarts. */
export async function startInDocker(image: string, settings: ServerSettings): Promise<RunningServer> {
  // Loaded here: it takes a second, which tests on the binary need not pay.
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers');
  const port = await freePort();
  const container = await new GenericContainer(image)
    .withCopyContentToContainer([{ content: configuration(settings), target: configPath }])
    .withCommand(['-c', configPath])
    .withExposedPorts({ container: 4222, host: port })
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .withAutoRemove(false)
    .start();
  const runtime = await getContainerRuntimeClient();
  const byId = runtime.container.getById(container.getId());
  const url = `nats://${container.getHost()}:${port}`;
  const isRunning = async (): Promise<boolean> => (await byId.inspect()).State.Running;
  const stop = async (): Promise<void> => {
    if (await isRunning()) await byId.stop({ t: 10 });
  };
  return {
    url,
    stop,
    kill: async () => {
      if (!(await isRunning())) return;
      await byId.kill({ signal: 'SIGKILL' });
      await byId.wait();
    },
    restart: async () => {
      await stop();
      await byId.start();
      await waitFor(() => answers(url), { what: 'the restarted container to answer' });
    },
    close: async () => {
      await container.stop({ remove: true, removeVolumes: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    const connection = await connect({ servers: url, timeout: 500, reconnect: false });
    await connection.close();
    return true;
  } catch {
    // Not yet; the caller gives up by its deadline.
    return false;
  }
}

function configuration({ syncInterval, serverConfig }: ServerSettings): string {
  const sync = syncInterval === undefined ? '' : `, sync_interval: ${syncInterval}`;
  return `port: 4222\njetstream { store_dir: "/tmp/stance-test"${sync} }\n${serverConfig ?? ''}\n`;
}
