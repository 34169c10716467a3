import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodeToken } from '@stance/contracts';
import { GatewayFileInvalid, readGatewayFile } from '@stance/gateway';
import { ConfigurationInvalid, optionalText } from '@stance/service-kit';

/** Where the services of one process find their credentials. */
export const CREDENTIAL_SETTINGS = {
  NATS_USERS_FOLDER: optionalText({
    description:
      'folder with the credentials of every service, `users` of what `stance nats-auth generate` writes; only where all run in one process',
  }),
};

/** The name of the gateway in `STANCE_GATEWAY_FILE`; undefined where there is none or it cannot be read, which is told elsewhere. */
export function gatewayNameOf(environment: NodeJS.ProcessEnv): string | undefined {
  const file = environment['STANCE_GATEWAY_FILE'] ?? '';
  if (file === '') return undefined;
  try {
    return readGatewayFile(file).name;
  } catch (error) {
    if (error instanceof GatewayFileInvalid) return undefined;
    throw error;
  }
}

/** A service's environment, with its own credentials where there is a folder of them. Throws `ConfigurationInvalid`. */
export function withCredentials(service: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const folder = environment['NATS_USERS_FOLDER'] ?? '';
  if (folder === '') return environment;
  const users = candidatesOf(service, environment);
  return {
    ...environment,
    ...(users.length > 0 && settingsOf(folder, users, 'NATS')),
    ...(service === 'audit' && settingsOf(folder, ['audit-trail'], 'STANCE_AUDIT_NATS')),
  };
}

/** Users that a service may be, the most special first; none of a gateway whose file is told to be wrong elsewhere. */
function candidatesOf(service: string, environment: NodeJS.ProcessEnv): string[] {
  if (service === 'gateway') {
    const gateway = gatewayNameOf(environment);
    return gateway === undefined ? [] : [`gateway-${encodeToken(gateway)}`];
  }
  const source = environment['SENTINELONE_SOURCE'] ?? '';
  return service === 'sentinelone-poller' && source !== '' ? [`${service}-${encodeToken(source)}`, service] : [service];
}

function settingsOf(folder: string, users: readonly string[], prefix: string): NodeJS.ProcessEnv {
  const { credsFile, nkeySeedFile } = credentialsIn(folder, users);
  return credsFile === undefined
    ? { [`${prefix}_NKEY_SEED_FILE`]: nkeySeedFile }
    : { [`${prefix}_CREDS_FILE`]: credsFile };
}

/** The credentials of the first of these users who has some in a folder. Throws `ConfigurationInvalid`. */
export function credentialsIn(
  folder: string,
  users: readonly string[],
): { readonly credsFile?: string; readonly nkeySeedFile?: string } {
  for (const user of users) {
    const [credsFile, nkeySeedFile] = [join(folder, `${user}.creds`), join(folder, `${user}.nk`)];
    if (existsSync(credsFile)) return { credsFile };
    if (existsSync(nkeySeedFile)) return { nkeySeedFile };
  }
  throw new ConfigurationInvalid([`NATS_USERS_FOLDER: ${folder} has no credentials of ${users.join(' or ')}`]);
}
