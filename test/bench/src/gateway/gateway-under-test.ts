import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { applyTopology, connectToNats } from '@stance/jetstream';
import { findNatsServer, startNatsServer } from '@stance/nats-server';
import { freePort, ServiceProcess, temporaryFolder, waitFor } from '@stance/testing';
import { deviceId, GATEWAY, PlayedEngine, RESOURCES } from './played-engine.js';

/** The service `gateway` in a process of its own, on a nats-server of its own, with a played engine. */
export interface GatewayUnderTest {
  /** Where `/authorize` is answered. */
  readonly port: number;
  /** Where it relays to the upstream, if one was named. */
  readonly relayPort: number;
  readonly pid: number;
  readonly engine: PlayedEngine;
  readonly connection: NatsConnection;
  readonly natsUrl: string;
  close(): Promise<void>;
}

/** Every one of `devices` devices is allowed everything; `upstreamPort` is what the relay carries to. */
export async function startGateway(options: { devices: number; upstreamPort?: number }): Promise<GatewayUnderTest> {
  const folder = await temporaryFolder();
  const nats = await startNatsServer({ binary: await findNatsServer(), storeDir: folder.path, port: 0 });
  const connection = await connectToNats({ url: nats.url, name: 'bench' });
  await applyTopology(connection);
  const engine = new PlayedEngine(connection);
  await engine.allow(Array.from({ length: options.devices }, (_, index) => deviceId(index)));

  const [port, relayPort, file] = [await freePort(), await freePort(), join(folder.path, 'gateway.json')];
  await writeFile(file, JSON.stringify(gatewayFileOf(port, relayPort, options.upstreamPort)));
  const profile = process.env['BENCH_PROFILE_DIR'];
  const nodeArguments = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const environment = { NATS_URL: nats.url, STANCE_GATEWAY_FILE: file };
  const service = ServiceProcess.start('gateway', environment, { nodeArguments });
  await service.reached('active', 60_000);
  await waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, {
    what: 'the gateway to trust what it knows',
    timeoutMs: 60_000,
  });
  return {
    port,
    relayPort,
    pid: service.pid,
    engine,
    connection,
    natsUrl: nats.url,
    close: async () => {
      engine.stop();
      await service.stop();
      await connection.close();
      await nats.stop();
      await folder.remove();
    },
  };
}

/** Devices are named by a header of a listed proxy: the least that a proof can cost, as nothing is measured but us. */
function gatewayFileOf(port: number, relayPort: number, upstreamPort: number | undefined) {
  const upstream = `http://127.0.0.1:${upstreamPort}`;
  return {
    name: GATEWAY,
    listen: { port },
    trustedProxies: ['127.0.0.1'],
    device: { header: { name: 'X-Stance-Device' } },
    user: { header: { name: 'X-Stance-User' } },
    ...(upstreamPort !== undefined && {
      relays: [{ listen: { port: relayPort }, routes: [{ resource: RESOURCES[0], upstream }] }],
    }),
  };
}
