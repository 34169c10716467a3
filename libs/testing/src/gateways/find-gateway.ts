import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The reverse proxies that tests put in front of Stance. */
export type GatewayName = 'nginx' | 'caddy' | 'haproxy' | 'envoy' | 'traefik';

/** Where Debian puts nginx and haproxy; the PATH of a plain user lacks it. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin'];

/** Thrown when `STANCE_TEST_<NAME>` names what cannot be run: name the binary there, or unset it. */
export class GatewayNotExecutable extends Error {
  override readonly name = 'GatewayNotExecutable';

  constructor(variable: string, path: string) {
    super(`${variable} names ${path}, which is no file that can be run: name the binary, or unset the variable.`);
  }
}

/**
 * The path of a gateway's binary: the one that `STANCE_TEST_NGINX` (and so on) names, or the first on PATH; undefined where
 * there is none. Throws {@link GatewayNotExecutable}.
 */
export async function findGateway(
  name: GatewayName,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const variable = `STANCE_TEST_${name.toUpperCase()}`;
  const named = environment[variable];
  if (named !== undefined && named !== '') {
    if (await isExecutable(named)) return named;
    throw new GatewayNotExecutable(variable, named);
  }
  const folders = [
    ...(environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    ...SYSTEM_FOLDERS,
  ];
  for (const folder of folders) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
