import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

import { SERVICE_NAMES } from '../services.js';
import { composes, findCompose } from './compose.js';
import { CHECKOUT } from './product-image.js';

/** What Compose makes of a service, as far as it is looked at here. */
interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[] | null;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly { readonly host_ip?: string }[];
  readonly stop_grace_period?: string;
  readonly volumes?: readonly ComposeVolume[];
  readonly networks?: Readonly<Record<string, unknown>>;
}
interface ComposeVolume {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly bind?: { readonly create_host_path?: boolean };
}
interface ComposeNetwork {
  readonly internal?: boolean;
  readonly ipam: { readonly config?: readonly { readonly gateway?: string }[] };
}
interface ComposeProject {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly networks: Readonly<Record<string, ComposeNetwork>>;
}

const compose = await findCompose();
const described = `compose.yaml${compose === undefined ? ' (skipped: neither docker compose nor STANCE_TEST_COMPOSE)' : ''}`;
/** The user of NATS that a service is; by default it has the service's name. */
const USERS: Readonly<Record<string, string>> = { gateway: 'gateway-edge' };

/** What Compose makes of compose.yaml with these variables. */
async function configured(environment: Readonly<Record<string, string>> = {}): Promise<ComposeProject> {
  const words = ['--profile', '*', 'config', '--format', 'json'];
  return JSON.parse(await composes(compose ?? [], words, environment)) as ComposeProject;
}

const volumesOf = ({ volumes = [] }: ComposeService, type: string): readonly ComposeVolume[] =>
  volumes.filter((volume) => volume.type === type);

(compose === undefined ? describe.skip : describe)(described, () => {
  let project: ComposeProject;
  beforeAll(async () => {
    project = await configured();
  });
  const serviceOf = (name: string): ComposeService => project.services[name] ?? { image: 'none' };

  it('runs each service of the image once, from one image, after the streams are there', () => {
    for (const name of SERVICE_NAMES) {
      expect(serviceOf(name)).toMatchObject({ image: 'stance:local', command: [name] });
      expect(serviceOf(name).depends_on).toMatchObject({ topology: { condition: 'service_completed_successfully' } });
    }
  });

  it('gives each service its own user of NATS, and no secret in its environment', () => {
    for (const name of SERVICE_NAMES) {
      const { environment = {} } = serviceOf(name);
      expect(environment['NATS_NKEY_SEED_FILE']).toMatch(new RegExp(`/users/${USERS[name] ?? name}\\.nk$`));
      const secret = Object.keys(environment).filter((each) => /TOKEN|SEED|CREDS|PASSWORD/.test(each));
      expect(secret.filter((each) => !each.endsWith('_FILE'))).toEqual([]);
    }
  });

  it('hands each container the users that it is, in a volume that no other container has', () => {
    const shares = new Map((serviceOf('users').command ?? []).map((share) => share.split('=') as [string, string]));
    const handed = volumesOf(serviceOf('users'), 'volume').filter(({ source }) => source.startsWith('users-'));
    expect(handed.map(({ source, target }) => [source, target])).toEqual(
      [...shares.keys()].map((name) => [`users-${name}`, `/var/lib/stance/hand-out/${name}`]),
    );
    for (const [name, service] of Object.entries(project.services)) {
      if (name === 'nats-auth' || name === 'users') continue;
      const secret = volumesOf(service, 'volume').filter(({ source }) => /^(users-|nats-auth$)/.test(source));
      expect([name, secret.map(({ source }) => source)]).toEqual([name, shares.has(name) ? [`users-${name}`] : []]);
    }
    for (const name of [...SERVICE_NAMES, 'topology']) {
      const seeds = Object.entries(serviceOf(name).environment ?? {}).filter(([each]) => each.endsWith('_SEED_FILE'));
      const files = seeds.map(([, path]) => path?.replace('/var/lib/stance/users/', 'users/'));
      expect([name, shares.get(name)?.split(',')]).toEqual([name, files]);
    }
    expect(shares.get('nats')).toBe('nats-auth.conf');
    expect([...shares.values()].join()).not.toMatch(/break-glass|system/);
  });

  it('has the gateway trust an address that is no container, on a network where it is alone', () => {
    const on = (network: string) =>
      Object.keys(project.services).filter((name) => network in (serviceOf(name).networks ?? {}));
    expect(on('edge')).toEqual(['gateway']);
    const file = readFileSync(join(CHECKOUT, 'deploy/docker/compose/gateway.yaml'), 'utf8');
    const { trustedProxies } = parse(file) as { trustedProxies: string[] };
    expect(trustedProxies).toEqual(project.networks['edge']?.ipam.config?.map(({ gateway }) => gateway));
    // Docker publishes a port on the first network by name that is not internal.
    const published = Object.keys(serviceOf('gateway').networks ?? {}).filter(
      (network) => project.networks[network]?.internal !== true,
    );
    expect(published.toSorted()[0]).toBe('edge');
  });

  it('keeps what collects telemetry from NATS, and Grafana from all but Prometheus', () => {
    const networksOf = (name: string) => Object.keys(serviceOf(name).networks ?? {});
    expect(networksOf('nats')).toEqual(['core']);
    expect(project.networks['core']?.internal).toBe(true);
    for (const name of ['otel-collector', 'prometheus', 'grafana']) expect(networksOf(name)).not.toContain('core');
    const reached = Object.keys(project.services).filter((name) =>
      networksOf(name).some((network) => networksOf('grafana').includes(network)),
    );
    expect(reached.toSorted()).toEqual(['grafana', 'prometheus']);
    expect(serviceOf('grafana').environment).toMatchObject({
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
      GF_AUTH_BASIC_ENABLED: 'false',
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
      PROMETHEUS_URL: 'http://prometheus:9090',
    });
  });

  it.each([
    ['a real console has none', { SENTINELONE_URL: 'https://console.example.com' }, false],
    [
      'it is named',
      { SENTINELONE_URL: 'https://console.example.com', STANCE_GATEWAY_FILE: './deploy/local/samples/gateway.yaml' },
      true,
    ],
    ['the console is simulated', {}, true],
  ])('starts a gateway whose file is there: %s', async (_, environment, starts) => {
    const { services } = await configured(environment);
    const [file] = volumesOf(services['gateway'] ?? { image: 'none' }, 'bind');
    expect(file?.bind?.create_host_path ?? false).toBe(false);
    expect([file?.source, existsSync(file?.source ?? '')]).toEqual([expect.stringMatching(/gateway\.yaml$/), starts]);
  });

  it('has the engine ask for signatures where keys are named, and no setting of it where they are not', async () => {
    const settings = { STANCE_POLICY_KEYS_FILE: '/etc/hosts', STANCE_INSTALLATION: 'production' };
    const { services } = await configured(settings);
    const engine = services['policy-engine'] ?? { image: 'none' };
    expect(engine.environment).toMatchObject(settings);
    const mounted = volumesOf(engine, 'bind').map(({ source, target }) => [source, target]);
    expect(mounted).toEqual([['/etc/hosts', '/etc/hosts']]);
    // Compose sets no variable that it has no value for; an empty one would be an error.
    for (const name of Object.keys(settings)) expect(serviceOf('policy-engine').environment?.[name]).toBeNull();
  });

  it('makes account, streams and user for the gateway that STANCE_GATEWAY_NAME names', async () => {
    const { services } = await configured({ STANCE_GATEWAY_NAME: 'vpn' });
    expect(services['nats-auth']?.command?.slice(-2)).toEqual(['--gateways', 'vpn']);
    expect(services['topology']?.command?.slice(-2)).toEqual(['--gateways', 'vpn']);
    expect(services['gateway']?.environment?.['NATS_NKEY_SEED_FILE']).toMatch(/\/users\/gateway-vpn\.nk$/);
  });

  it('takes every right from every container, and gives it time to end', () => {
    for (const [name, service] of Object.entries(project.services)) {
      const { read_only, cap_drop, security_opt, privileged = false } = service;
      expect([name, { read_only, cap_drop, security_opt, privileged }]).toEqual([
        name,
        { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], privileged: false },
      ]);
    }
    for (const name of SERVICE_NAMES) expect(serviceOf(name).stop_grace_period).toBe('15s');
  });

  it('publishes ports to this machine alone', () => {
    const published = Object.values(project.services).flatMap(({ ports = [] }) => ports);
    expect(published.length).toBeGreaterThan(0);
    expect(published.filter(({ host_ip }) => host_ip !== '127.0.0.1')).toEqual([]);
  });

  it('mounts only files and folders that the checkout has', () => {
    const mounted = Object.values(project.services).flatMap(({ volumes = [] }) =>
      volumes.filter(({ type }) => type === 'bind').map(({ source }) => source),
    );
    const named = [...Object.values(project.configs), ...Object.values(project.secrets)].map(({ file }) => file);
    expect([...mounted, ...named].filter((path) => !existsSync(path))).toEqual([]);
  });
});
