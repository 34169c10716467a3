import type { GatewayFile } from '../file/gateway-file.js';
import { canonicalAddress } from './address.js';
import type { Certificates } from './certificate/certificates.js';
import { claimHeaders, readClaims, type ClaimHeaders, type Claims } from './claims.js';
import { conclude, type DeviceFinding, type UserFinding } from './conclusion.js';
import type { Evidence, Identity, NotProved, Prover } from './identity.js';
import type { FollowedInventory } from './inventory/followed-inventory.js';
import type { Mark, Owner } from './inventory/inventory.js';
import { ProofRefused } from './proof-refused.js';
import type { TokenFinding, Tokens } from './token/tokens.js';

/** What checks each kind of proof that the gateway file asks for. */
export interface Checks {
  readonly certificates: Certificates | undefined;
  /** Whether a certificate of the gateway's own connections can be checked: the file names the authorities. */
  readonly takesConnectionCertificates: boolean;
  readonly deviceTokens: Tokens | undefined;
  readonly userTokens: Tokens | undefined;
  readonly inventory: FollowedInventory | undefined;
}

/** Finds out who sends a request, by every proof that the gateway file asks for: all that are there have to agree. */
export class IdentityProver implements Prover {
  private readonly headers: ClaimHeaders;
  private readonly unproved: string;

  constructor(
    private readonly file: GatewayFile,
    private readonly checks: Checks,
    private readonly onTrouble: (message: string, error: unknown) => void,
  ) {
    this.headers = claimHeaders(file);
    this.unproved = `The request proves no device. This gateway takes ${takenProofs(file)}.`;
  }

  prove(evidence: Evidence): Identity | Promise<Identity> {
    try {
      const claims = readClaims(evidence.rawHeaders, this.headers, evidence);
      const devices = this.devicesAtOnce(evidence, claims);
      const { deviceTokens, userTokens } = this.checks;
      const device = claims.deviceToken ? deviceTokens?.read(claims.deviceToken) : undefined;
      const user = claims.userToken ? userTokens?.read(claims.userToken) : undefined;
      if (!(device instanceof Promise) && !(user instanceof Promise)) {
        return this.identityOf(claims, devices, { device, user });
      }
      return Promise.all([device, user]).then(
        ([deviceFound, userFound]) => this.identityOf(claims, devices, { device: deviceFound, user: userFound }),
        (error: unknown) => this.notProved(error),
      );
    } catch (error) {
      return this.notProved(error);
    }
  }

  /** What is wrong with the present content of the inventory file, where an older one is in force. */
  get inventoryProblem(): string | undefined {
    return this.checks.inventory?.problem;
  }

  /** Stops following files. */
  close(): void {
    this.checks.inventory?.close();
  }

  private devicesAtOnce(evidence: Evidence, claims: Claims): DeviceFinding[] {
    const { header } = this.file.device;
    const found: DeviceFinding[] = [];
    const certified = this.byCertificate(evidence, claims);
    if (certified !== undefined) found.push(certified);
    const located = this.byAddress(evidence, claims);
    if (located !== undefined) found.push(located);
    if (header !== undefined && claims.device) {
      found.push({ deviceId: claims.device, proof: header.proof, by: `the header ${header.name}` });
    }
    return found;
  }

  private byCertificate(evidence: Evidence, claims: Claims): DeviceFinding | undefined {
    const id = this.certificateId(evidence, claims);
    if (id === undefined) return undefined;
    const kind = this.file.device.certificate?.id;
    const by = 'the client certificate';
    if (kind !== 'serial' && kind !== 'fingerprint') return { deviceId: id, proof: 'certificate', by };
    const owner = this.ownerOf(kind, id);
    if (owner === undefined) {
      throw new ProofRefused(`The certificate with the ${kind} ${id} is of no device in the gateway's inventory.`);
    }
    if (owner === 'disputed') {
      throw new ProofRefused(`The certificate with the ${kind} ${id} is claimed by several devices in the inventory.`);
    }
    return { deviceId: owner.deviceId, proof: 'certificate', by };
  }

  private certificateId(evidence: Evidence, claims: Claims): string | undefined {
    const { certificates, takesConnectionCertificates } = this.checks;
    const header = this.file.device.certificate?.header;
    if (claims.certificate && header) return certificates?.ofHeader(claims.certificate, header.format);
    const { connectionCertificate, isFromListedProxy } = evidence;
    // What a proxy shows to the gateway is the proxy's own.
    if (connectionCertificate === undefined || isFromListedProxy || !takesConnectionCertificates) return undefined;
    return certificates?.ofConnection(connectionCertificate);
  }

  /** An address that is nobody's, or claimed by several, proves nothing: every request has one. */
  private byAddress({ peerAddress, isFromListedProxy }: Evidence, claims: Claims): DeviceFinding | undefined {
    if (this.file.device.address === undefined) return undefined;
    const written = isFromListedProxy ? claims.address : peerAddress;
    if (!written) return undefined;
    const address = canonicalAddress(written);
    if (address === undefined && isFromListedProxy) {
      const { header = '' } = this.file.device.address;
      throw new ProofRefused(`The header ${header} has to name one address, without a port.`);
    }
    const owner = address === undefined ? undefined : this.ownerOf('address', address);
    if (owner === undefined || owner === 'disputed') return undefined;
    return { deviceId: owner.deviceId, proof: 'address', by: `the address ${address}` };
  }

  private ownerOf(mark: Mark, value: string): Owner | undefined {
    return this.checks.inventory?.current.ownerOf(mark, value);
  }

  private identityOf(
    claims: Claims,
    devices: DeviceFinding[],
    { device, user }: { readonly device: TokenFinding | undefined; readonly user: TokenFinding | undefined },
  ): Identity {
    try {
      const users: UserFinding[] = [];
      const { device: deviceFile, user: userFile } = this.file;
      const deviceId = nameIn(device);
      if (deviceId !== undefined) {
        devices.push({ deviceId, proof: 'token', by: `the token in ${deviceFile.token?.header}` });
      }
      const named = nameIn(user);
      if (named !== undefined) users.push({ user: named, by: `the token in ${userFile.token?.header}` });
      if (claims.user) users.push({ user: claims.user, by: `the header ${userFile.header?.name}` });
      const proved = conclude(devices, users);
      if (proved !== undefined) return claims.resource ? { ...proved, resource: claims.resource } : proved;
      return { outcome: 'unproved', reasons: [{ code: 'identity-missing', message: this.unproved }] };
    } catch (error) {
      return this.notProved(error);
    }
  }

  /** Whatever goes wrong refuses. */
  private notProved(error: unknown): NotProved {
    if (error instanceof ProofRefused) return { outcome: 'refused', reasons: [error.reason] };
    this.onTrouble('a request is refused, as finding out who sends it failed', error);
    const message = 'The gateway could not find out who sends the request.';
    return { outcome: 'refused', reasons: [{ code: 'identity-missing', message }] };
  }
}

function nameIn(finding: TokenFinding | undefined): string | undefined {
  if (finding instanceof ProofRefused) throw finding;
  return finding;
}

/** What a person could bring, in words. */
function takenProofs({ device: { certificate, token, header, address } }: GatewayFile): string {
  const ways = [
    certificate && "a device's certificate",
    token && `a token in ${token.header}`,
    header && `a device that a listed proxy names in ${header.name}`,
    address && 'the address of a device in its inventory',
  ];
  return ways.filter((way) => way !== undefined).join(', or ');
}
