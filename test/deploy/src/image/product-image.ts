import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { temporaryFolder } from '@stance/testing';

import { LOCAL, makeBaseImages, makeNatsImage } from './base-images.js';
import { removeIfThere } from './container.js';
import { dockerSays } from './docker.js';

const run = promisify(execFile);

/** The checkout, which is what the image is built from. */
export const CHECKOUT = fileURLToPath(new URL('../../../..', import.meta.url));

const { STANCE_TEST_IMAGE: given = '', STANCE_TEST_SIMULATED_TENANT: givenTenant = '' } = process.env;
/** Otherwise STANCE_TEST_IMAGE names it, such as one that is to be published. */
const IS_BUILT_HERE = given === '';
/** The image that is tested. */
export const PRODUCT = IS_BUILT_HERE ? 'stance-test-product:local' : given;
/** The simulated tenant of compose.yaml: from the same build, or the image that STANCE_TEST_SIMULATED_TENANT names. */
export const SIMULATED_TENANT = IS_BUILT_HERE ? 'stance-test-simulated-tenant:local' : givenTenant;
const BUILT_VERSION = '0.0.0-test';
/** What its label says. */
export const VERSION = IS_BUILT_HERE ? /^0\.0\.0-test$/ : /./;

/** Settings of the machine that reach what the build fetches, as Docker knows them. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** Has the image ready, and one of NATS beside it. */
export async function prepareProduct(): Promise<void> {
  await makeNatsImage();
  if (IS_BUILT_HERE) await build();
}

/** Removes what `prepareProduct` made; Docker's build cache stays, as after any build. */
export async function removeMade(): Promise<void> {
  const made = IS_BUILT_HERE ? [PRODUCT, SIMULATED_TENANT, LOCAL.runtime, LOCAL.build] : [];
  for (const image of [...made, LOCAL.nats]) await removeIfThere('image', image);
}

/** Builds it on base images that are made here; its packages come from the npm registry that this machine uses. */
async function build(): Promise<void> {
  await makeBaseImages();
  const { stdout } = await run('npm', ['config', 'get', 'registry'], { cwd: CHECKOUT });
  const settings = {
    BUILD_IMAGE: LOCAL.build,
    RUNTIME_IMAGE: LOCAL.runtime,
    VERSION: BUILT_VERSION,
    NPM_CONFIG_REGISTRY: stdout.trim(),
  };
  const args = [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...PROXIES.filter((name) => process.env[name] !== undefined),
  ];
  for (const [target, image] of [
    ['stance', PRODUCT],
    ['simulated-tenant', SIMULATED_TENANT],
  ]) {
    const flags = [
      '--network=host',
      `--file=${CHECKOUT}deploy/docker/Dockerfile`,
      `--target=${target}`,
      `--tag=${image}`,
    ];
    await dockerSays(['build', ...flags, ...args.flatMap((arg) => ['--build-arg', arg]), CHECKOUT], {
      timeoutMs: 420_000,
    });
  }
}

/** What `npm run sbom` says that the image has: its packages, and what they stand on, as `name@version`. */
export async function billOfMaterials(): Promise<{ readonly packages: string[]; readonly base: string[] }> {
  const folder = await temporaryFolder();
  try {
    await run(process.execPath, ['deploy/docker/sbom.mjs', '--image', PRODUCT, folder.path], { cwd: CHECKOUT });
    const text = await readFile(join(folder.path, 'stance.cdx.json'), 'utf8');
    const { components } = JSON.parse(text) as { components: { 'bom-ref': string; purl?: string }[] };
    const { packages = [], base = [] } = Object.groupBy(components, ({ purl }) =>
      purl?.startsWith('pkg:npm/') === true ? 'packages' : 'base',
    );
    const named = (part: typeof components) => part.map((component) => component['bom-ref']);
    return { packages: named(packages), base: named(base) };
  } finally {
    await folder.remove();
  }
}
