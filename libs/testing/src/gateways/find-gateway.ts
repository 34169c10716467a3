import { findProgram } from '../find-program.js';

/** The reverse proxies that tests put in front of Stance. */
export type GatewayName = 'nginx' | 'caddy' | 'haproxy' | 'envoy' | 'traefik';

/** Where Debian puts nginx and haproxy; the PATH of a plain user lacks it. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin'];

/** The path of a gateway's binary, as {@link findProgram} finds it, also where only root looks. Throws `ProgramNotExecutable`. */
export const findGateway = (name: GatewayName): Promise<string | undefined> =>
  findProgram(name, { folders: SYSTEM_FOLDERS });
