import { z } from 'zod';
import { authorizeRequest } from './authorize-request.js';
import { startGateway } from './gateway-under-test.js';
import { loadByTurns, LoadGenerator, type LoadFigures } from './http-load.js';
import { deviceId } from './played-engine.js';
import { Program } from './program.js';
import { loadByWrk } from './wrk.js';

export interface AuthorizeFigures {
  readonly gateway: LoadFigures;
  readonly bare: LoadFigures;
  /** By wrk, where it is installed: requests a second. */
  readonly byWrk: { readonly gateway: number; readonly bare: number } | undefined;
}

const DEVICES = 1_000;

/** `/authorize` over kept connections beside a bare Node HTTP server, which gets the very same requests. */
export async function measureAuthorize(options: { rounds: number; seconds: number }): Promise<AuthorizeFigures> {
  const gateway = await startGateway({ devices: DEVICES });
  const bare = Program.start(new URL('./programs/bare-http.js', import.meta.url));
  const generator = new LoadGenerator();
  try {
    const barePort = await bare.ask(z.number(), { do: 'listen' });
    const requests = Array.from({ length: DEVICES }, (_, index) => authorizeRequest(deviceId(index)));
    const figures = await loadByTurns(
      generator,
      {
        gateway: { port: gateway.port, pid: gateway.pid, requests },
        bare: { port: barePort, pid: bare.pid, requests },
      },
      options,
    );
    const byWrk = await loadByWrk({ gateway: gateway.port, bare: barePort }, options);
    return { ...figures, byWrk };
  } finally {
    await Promise.all([generator.stop(), bare.stop(), gateway.close()]);
  }
}
