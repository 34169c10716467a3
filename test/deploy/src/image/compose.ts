import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { namedProgram, waitFor } from '@stance/testing';

import { SERVICE_NAMES } from '../services.js';
import { LOCAL } from './base-images.js';
import { CHECKOUT, PRODUCT, SIMULATED_TENANT } from './product-image.js';

const run = promisify(execFile);

/** How Compose is called here: what `STANCE_TEST_COMPOSE` names, or the plugin of `docker`; undefined where there is none. Throws `ProgramNotExecutable`. */
export async function findCompose(): Promise<readonly string[] | undefined> {
  const path = await namedProgram('compose');
  if (path !== undefined) return [path];
  try {
    await run('docker', ['compose', 'version']);
    return ['docker', 'compose'];
  } catch {
    return undefined;
  }
}

/** Runs Compose on the checkout's compose.yaml. Of this process's variables it sees none but those of Docker. */
export async function composes(
  compose: readonly string[],
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [command = 'docker', ...first] = compose;
  const { PATH, HOME, DOCKER_HOST } = process.env;
  const { stdout } = await run(command, [...first, '--file', join(CHECKOUT, 'compose.yaml'), ...words], {
    env: { PATH, HOME, ...(DOCKER_HOST !== undefined && { DOCKER_HOST }), ...environment },
    timeout: 180_000,
  });
  return stdout;
}

const ENVIRONMENT = {
  COMPOSE_PROJECT_NAME: 'stance-test-compose',
  STANCE_IMAGE: PRODUCT,
  NATS_IMAGE: LOCAL.nats,
  SIMULATED_TENANT_IMAGE: SIMULATED_TENANT,
  // Any free port.
  STANCE_GATEWAY_PORT: '0',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '',
};
/** All but what comes from registries. */
const STARTED = ['nats-auth', 'nats', 'nats-ready', 'topology', ...SERVICE_NAMES, 'simulated-tenant'];

/** What compose.yaml starts, by images that are made here. */
export class ComposeProject {
  private constructor(
    private readonly compose: readonly string[],
    private readonly gateway: string,
  ) {}

  static async up(compose: readonly string[]): Promise<ComposeProject> {
    try {
      await composes(compose, ['up', '--detach', '--no-build', '--pull', 'never', ...STARTED], ENVIRONMENT);
      const address = await composes(compose, ['port', 'gateway', '9180'], ENVIRONMENT);
      return new ComposeProject(compose, address.trim());
    } catch (error) {
      await remove(compose);
      throw error;
    }
  }

  /** Runs `docker compose run stance`, as docs/container.md says. Throws when it does not end with 0. */
  async command(words: readonly string[]): Promise<string> {
    return composes(this.compose, ['run', '--rm', '--no-deps', '-T', 'stance', ...words], ENVIRONMENT);
  }

  /** Resolves once the gateway answers with this status about a device. */
  async answers(status: number, deviceId: string, resource: string): Promise<void> {
    const url = `http://${this.gateway}/authorize/${resource}`;
    const look = async () => (await fetch(url, { headers: { 'x-stance-device': deviceId } })).status === status;
    await waitFor(look, { what: `${status} for ${deviceId} at ${resource}`, timeoutMs: 90_000, intervalMs: 250 });
  }

  async down(): Promise<void> {
    await remove(this.compose);
  }
}

async function remove(compose: readonly string[]): Promise<void> {
  await composes(compose, ['down', '--volumes', '--remove-orphans', '--timeout', '20'], ENVIRONMENT);
}
