import type { JWTVerifyGetKey } from 'jose';
import type { GatewayFile } from '../file/gateway-file.js';
import { readAuthorities } from './certificate/read-authorities.js';
import { Certificates } from './certificate/certificates.js';
import { NotPem } from './certificate/pem.js';
import { IdentityProver, type Checks } from './identity-prover.js';
import { FollowedInventory } from './inventory/followed-inventory.js';
import { InventoryInvalid } from './inventory/inventory.js';
import { keysOfFile, KeysUnusable, RemoteKeys } from './token/keys.js';
import { Tokens } from './token/tokens.js';

/** Every problem of the files that the gateway file names for proofs: put them right before the gateway can start. */
export class ProofFilesInvalid extends Error {
  override readonly name = 'ProofFilesInvalid';
  constructor(readonly problems: readonly string[]) {
    super(problems.join('; '));
  }
}

export interface ProverOptions {
  /** Told what an operator should know: keys that cannot be had, an inventory that is refused. */
  readonly onTrouble: (message: string, error?: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How often the inventory file is looked at, in milliseconds; 1 s by default. */
  readonly inventoryPollMs?: number;
}

/** Reads the files with authorities, keys and the inventory. Throws {@link ProofFilesInvalid}. Has to be closed. */
export async function createProver(file: GatewayFile, options: ProverOptions): Promise<IdentityProver> {
  const { onTrouble, now = Date.now, inventoryPollMs: pollMs } = options;
  const { certificate, token: deviceToken } = file.device;
  const { token: userToken } = file.user;
  const reading = new Reading();
  const authorities = await reading.of('device.certificate.ca', certificate?.ca, readAuthorities);
  const deviceKeys = await reading.of('device.token.jwks', deviceToken?.jwks, (jwks) => keysOf(jwks, now));
  const userKeys = await reading.of('user.token.jwks', userToken?.jwks, (jwks) => keysOf(jwks, now));
  const inventory = await reading.of('inventory', file.inventory, (path) =>
    FollowedInventory.open(path, { onTrouble, ...(pollMs !== undefined && { pollMs }) }),
  );
  if (reading.problems.length > 0) {
    inventory?.close();
    throw new ProofFilesInvalid(reading.problems);
  }
  const checks: Checks = {
    certificates: certificate && new Certificates(certificate, authorities, now),
    takesConnectionCertificates: authorities !== undefined,
    deviceTokens: deviceToken && deviceKeys && new Tokens({ proof: deviceToken, keys: deviceKeys, now, onTrouble }),
    userTokens: userToken && userKeys && new Tokens({ proof: userToken, keys: userKeys, now, onTrouble }),
    inventory,
  };
  return new IdentityProver(file, checks, onTrouble);
}

/** Reads what the gateway file names, and collects what is wrong with it. */
class Reading {
  readonly problems: string[] = [];

  /** Undefined where nothing is named, or what is named has a problem. */
  async of<Named, Content>(
    place: string,
    named: Named | undefined,
    read: (named: Named) => Content | Promise<Content>,
  ): Promise<Content | undefined> {
    if (named === undefined) return undefined;
    try {
      return await read(named);
    } catch (error) {
      if (!isAboutFile(error)) throw error;
      this.problems.push(`${place}: ${error.message}`);
      return undefined;
    }
  }
}

function keysOf(jwks: URL | string, now: () => number): JWTVerifyGetKey {
  return jwks instanceof URL ? new RemoteKeys(jwks, now).find : keysOfFile(jwks);
}

export function isAboutFile(error: unknown): error is Error {
  return error instanceof NotPem || error instanceof KeysUnusable || error instanceof InventoryInvalid;
}
