import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

import { composes, findCompose } from './compose.js';
import { CHECKOUT } from './product-image.js';
import { SERVICE_PORTS, SERVICES } from './services.js';

/** What Compose makes of a service, as far as it is looked at here. */
interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[] | null;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly privileged?: boolean;
  readonly user?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly { readonly host_ip?: string }[];
  readonly stop_grace_period?: string;
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
}
interface ComposeProject {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly configs: Readonly<Record<string, { readonly file: string }>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const compose = await findCompose();
const described = `compose.yaml${compose === undefined ? ' (skipped: neither docker compose nor STANCE_TEST_COMPOSE)' : ''}`;
/** The user of NATS that a service is; by default it has the service's name. */
const USERS: Readonly<Record<string, string>> = { gateway: 'gateway-edge' };

(compose === undefined ? describe.skip : describe)(described, () => {
  let project: ComposeProject;
  beforeAll(async () => {
    const words = ['--profile', '*', 'config', '--format', 'json'];
    project = JSON.parse(await composes(compose ?? [], words)) as ComposeProject;
  });
  const serviceOf = (name: string): ComposeService => project.services[name] ?? { image: 'none' };

  it('runs each service of the image once, from one image, after the streams are there', () => {
    for (const name of SERVICES) {
      expect(serviceOf(name)).toMatchObject({ image: 'stance:local', command: [name] });
      expect(serviceOf(name).depends_on).toMatchObject({ topology: { condition: 'service_completed_successfully' } });
    }
  });

  it('gives each service its own user of NATS, and no secret in its environment', () => {
    for (const name of SERVICES) {
      const { environment = {} } = serviceOf(name);
      expect(environment['NATS_NKEY_SEED_FILE']).toMatch(new RegExp(`/users/${USERS[name] ?? name}\\.nk$`));
      const secret = Object.keys(environment).filter((each) => /TOKEN|SEED|CREDS|PASSWORD/.test(each));
      expect(secret.filter((each) => !each.endsWith('_FILE'))).toEqual([]);
    }
  });

  it('takes every right from every container, and gives it time to end', () => {
    for (const [name, service] of Object.entries(project.services)) {
      const { read_only, cap_drop, security_opt, privileged = false } = service;
      expect([name, { read_only, cap_drop, security_opt, privileged }]).toEqual([
        name,
        { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'], privileged: false },
      ]);
    }
    for (const name of SERVICES) expect(serviceOf(name).stop_grace_period).toBe('15s');
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

  it('has Prometheus ask every service at its own port', () => {
    const text = readFileSync(join(CHECKOUT, 'deploy/docker/compose/prometheus.yaml'), 'utf8');
    const { scrape_configs: jobs } = parse(text) as { scrape_configs: { static_configs: { targets: string[] }[] }[] };
    const targets = jobs.flatMap(({ static_configs: groups }) => groups.flatMap(({ targets: each }) => each));
    expect(targets.toSorted()).toEqual(SERVICES.map((name) => `${name}:${SERVICE_PORTS[name]}`).toSorted());
  });
});
