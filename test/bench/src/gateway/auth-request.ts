import { temporaryFolder } from '@stance/testing';
import { authorizeHeaders } from './authorize-request.js';
import { startGateway } from './gateway-under-test.js';
import { loadByTurns, LoadGenerator, requestOf, type LoadFigures } from './http-load.js';
import { nginxVersion, startNginx } from './nginx-process.js';
import { OpaUnavailable, startOpa, type OpaServer } from './opa/opa-server.js';
import { deviceId } from './played-engine.js';

export interface AuthRequestFigures {
  readonly nginx: string;
  readonly alone: LoadFigures;
  readonly stance: LoadFigures;
  /** Or why there is none. */
  readonly opa: LoadFigures | string;
}

const DEVICES = 1_000;

/**
 * A small file from nginx: given out to everybody, when the gateway lets it, and when OPA does. A reason where there is no
 * nginx.
 */
export async function measureAuthRequest(options: {
  rounds: number;
  seconds: number;
}): Promise<AuthRequestFigures | string> {
  const version = await nginxVersion();
  if (version === undefined) return 'there is no nginx with auth_request on this machine';
  const folder = await temporaryFolder();
  const opa = await opaOrReason(folder.path);
  const gateway = await startGateway({ devices: DEVICES });
  const opaPort = typeof opa === 'string' ? NOBODY : opa.port;
  const nginx = await startNginx(folder.path, { version, gatewayPort: gateway.port, opaPort });
  const generator = new LoadGenerator();
  try {
    const requests = Array.from({ length: DEVICES }, (_, index) =>
      requestOf('/page.txt', authorizeHeaders(deviceId(index))),
    );
    const target = (port: number) => ({ port, pid: nginx.pid, requests });
    const own = { alone: target(nginx.ports.alone), stance: target(nginx.ports.stance) };
    if (typeof opa === 'string') return { nginx: version, ...(await loadByTurns(generator, own, options)), opa };
    const all = { ...own, opa: target(nginx.ports.opa) };
    return { nginx: version, ...(await loadByTurns(generator, all, options)) };
  } finally {
    await Promise.all([generator.stop(), nginx.stop(), gateway.close(), typeof opa === 'string' ? null : opa.stop()]);
    await folder.remove();
  }
}

/** The port of no server. */
const NOBODY = 1;

async function opaOrReason(folder: string): Promise<OpaServer | string> {
  try {
    return await startOpa(folder, DEVICES);
  } catch (error) {
    if (error instanceof OpaUnavailable) return error.message;
    throw error;
  }
}
