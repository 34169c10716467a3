import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deviceContent, freePort, TestAuthority, type KeyedCertificate } from '@stance/testing';
import { ALLOW, DENY, PlayedStance, WARN } from './played-stance.js';
import { Upstream } from './upstream.js';

const DEPLOYED = fileURLToPath(new URL('../../../../deploy/gateways/', import.meta.url));

/** A deployed file, as it is in `deploy/gateways`. */
export function deployed(path: string): Promise<string> {
  return readFile(join(DEPLOYED, path), 'utf8');
}

export interface Ports {
  /** Where clients come in. */
  readonly site: number;
  /** Of Stance: forward-auth, its gRPC, its relay. */
  readonly stance: number;
  readonly grpc: number;
  readonly relay: number;
  readonly upstream: number;
}

/** `revoked` and `watching` are let in like `allowed`, until a test takes it from them. */
type DeviceName = 'allowed' | 'warned' | 'denied' | 'revoked' | 'watching';

const DECISIONS = {
  allowed: { wiki: ALLOW, payroll: ALLOW },
  warned: { wiki: WARN },
  denied: { wiki: DENY, payroll: ALLOW },
  revoked: { wiki: ALLOW },
  watching: { wiki: ALLOW },
};

/** What a gateway stands between: an application, Stance, and devices with certificates. */
export interface Surroundings {
  readonly ports: Ports;
  /** Of the site `wiki.example.com`, and who issued it (PEM). */
  readonly server: KeyedCertificate;
  readonly serverCa: string;
  /** Who issues the certificates of the devices: a root and an intermediate authority, PEM. */
  readonly deviceCa: string;
  /** `chained`: of the device `allowed`, from an intermediate authority, whose certificate follows it. */
  readonly certificates: Readonly<Record<DeviceName | 'chained' | 'otherAuthority' | 'expired', KeyedCertificate>>;
  readonly stance: PlayedStance;
  readonly upstream: Upstream;
  close(): Promise<void>;
}

/** With Stance on a gateway file below `deploy/gateways`. */
export async function surroundings(gatewayFile: string): Promise<Surroundings> {
  const upstream = await Upstream.start();
  const ports = { ...(await freePorts()), upstream: upstream.port };
  const sites = TestAuthority.create('Sites');
  const devices = TestAuthority.create('Devices');
  const branch = TestAuthority.create('Devices of the branch', devices);
  const deviceCa = devices.certificate + branch.certificate;
  const stance = await PlayedStance.start(
    {
      gatewayFile: await deployed(gatewayFile),
      replacements: {
        'port: 9180': `port: ${ports.stance}`,
        'port: 9181': `port: ${ports.relay}`,
        ':8080': `:${ports.upstream}`,
        ...(gatewayFile.startsWith('envoy/') && { 'port: 9190': `port: ${ports.grpc}` }),
      },
      deviceCa,
    },
    DECISIONS,
  );
  return {
    ports,
    server: sites.issue({ altNames: [{ dns: 'wiki.example.com' }], usage: 'server' }),
    serverCa: sites.certificate,
    deviceCa,
    certificates: deviceCertificates(devices, branch),
    stance,
    upstream,
    close: async () => {
      await stance.close();
      await upstream.close();
    },
  };
}

async function freePorts(): Promise<Omit<Ports, 'upstream'>> {
  const [site, stance, grpc, relay] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  return { site, stance, grpc, relay };
}

function deviceCertificates(devices: TestAuthority, branch: TestAuthority): Surroundings['certificates'] {
  const others = TestAuthority.create('Devices');
  const of = (deviceId: string) => devices.issue(deviceContent(deviceId));
  const chained = branch.issue(deviceContent('allowed'));
  return {
    allowed: of('allowed'),
    warned: of('warned'),
    denied: of('denied'),
    revoked: of('revoked'),
    watching: of('watching'),
    chained: { ...chained, certificate: chained.certificate + branch.certificate },
    otherAuthority: others.issue(deviceContent('allowed')),
    expired: devices.issue({ ...deviceContent('allowed'), validTo: new Date(Date.now() - 60_000) }),
  };
}
