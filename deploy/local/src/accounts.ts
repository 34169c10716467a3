import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { STREAMS } from '@stance/contracts';
import { AUDIT_ACCOUNT, CORE_ACCOUNT, writeAuthFolder } from '@stance/nats-auth';

/** The accounts of the embedded server: the same rights as in production. */
export interface LocalAccounts {
  /** Configuration for the server. */
  readonly serverConfig: string;
  /** Where each user's credentials are. */
  readonly usersFolder: string;
}

/** Makes the accounts for the gateway of this machine; users keep their keys from one start to the next. */
export async function prepareAccounts(dataFolder: string, gateway: string | undefined): Promise<LocalAccounts> {
  const folder = join(dataFolder, 'nats-auth');
  const { serverConfig } = await writeAuthFolder(folder, { gateways: gateway === undefined ? [] : [gateway] });
  return { serverConfig: readFileSync(serverConfig, 'utf8'), usersFolder: join(folder, 'users') };
}

/** The account of a server without accounts. */
const GLOBAL_ACCOUNT = '$G';

/**
 * Takes over what was stored before there were accounts: nothing that was recorded is lost by an upgrade. The trail goes
 * first, so that a start that is cut short is gone on with by the next.
 */
export function adoptUnaccounted(storeDir: string): boolean {
  const of = (account: string) => join(storeDir, 'jetstream', account);
  if (!existsSync(of(GLOBAL_ACCOUNT)) || existsSync(of(CORE_ACCOUNT))) return false;
  const trail = join(of(GLOBAL_ACCOUNT), 'streams', STREAMS.AUDIT.name);
  if (existsSync(trail)) {
    mkdirSync(join(of(AUDIT_ACCOUNT), 'streams'), { recursive: true });
    renameSync(trail, join(of(AUDIT_ACCOUNT), 'streams', STREAMS.AUDIT.name));
  }
  renameSync(of(GLOBAL_ACCOUNT), of(CORE_ACCOUNT));
  return true;
}
