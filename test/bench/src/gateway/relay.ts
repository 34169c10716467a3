import { z } from 'zod';
import { distributionOf } from '../statistics.js';
import { authorizeHeaders } from './authorize-request.js';
import { startGateway } from './gateway-under-test.js';
import { CONNECTIONS, loadByTurns, LoadGenerator, requestOf, type LoadFigures } from './http-load.js';
import { deviceId } from './played-engine.js';
import { Program } from './program.js';

export interface RelayFigures {
  readonly gateway: LoadFigures;
  readonly bare: LoadFigures;
  /** One large answer on one connection, in MiB/s. */
  readonly download: { readonly gateway: number; readonly bare: number };
}

/** One for each connection: the session of each is open once the load is warm. */
const DEVICES = CONNECTIONS;

/** Small answers and one large one through the relay, beside the library that it uses alone. */
export async function measureRelay(options: {
  rounds: number;
  seconds: number;
  downloadMiB: number;
}): Promise<RelayFigures> {
  const upstream = Program.start(new URL('./programs/upstream.js', import.meta.url));
  const upstreamPort = await upstream.ask(z.number(), { do: 'listen' });
  const gateway = await startGateway({ devices: DEVICES, upstreamPort });
  const bare = Program.start(new URL('./programs/bare-relay.js', import.meta.url));
  const generator = new LoadGenerator();
  try {
    const barePort = await bare.ask(z.number(), { do: 'listen', upstreamPort });
    const requests = Array.from({ length: DEVICES }, (_, index) => relayed('/page', index));
    const load = await loadByTurns(
      generator,
      {
        gateway: { port: gateway.relayPort, pid: gateway.pid, requests },
        bare: { port: barePort, pid: bare.pid, requests },
      },
      options,
    );
    const request = relayed(`/download/${options.downloadMiB}`, 0);
    const download: { gateway: number[]; bare: number[] } = { gateway: [], bare: [] };
    for (let round = 0; round <= options.rounds; round += 1) {
      const bareFigure = await generator.download(barePort, request);
      const gatewayFigure = await generator.download(gateway.relayPort, request);
      // The first warms up.
      if (round === 0) continue;
      download.bare.push(bareFigure.mebibytesPerSecond);
      download.gateway.push(gatewayFigure.mebibytesPerSecond);
    }
    const median = (values: readonly number[]): number => distributionOf(values).p50;
    return { ...load, download: { gateway: median(download.gateway), bare: median(download.bare) } };
  } finally {
    await Promise.all([generator.stop(), bare.stop(), gateway.close(), upstream.stop()]);
  }
}

const relayed = (path: string, device: number): string => requestOf(path, authorizeHeaders(deviceId(device)));
