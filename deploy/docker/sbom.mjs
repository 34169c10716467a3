// @ts-check
/**
 * `npm run sbom [-- [--image <image>] [<folder>]]`: writes what the image is made of, as CycloneDX (`stance.cdx.json`), and the
 * licences of its packages (`licences.csv`), to `.stance/sbom` or the folder. Docker is asked for the image's base and the
 * version of its Node; without one the bill names the base of the Dockerfile. Exits with 1 for a licence that is not allowed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { BASE_LABEL, baseComponents, defaultBase } from './src/base-image.mjs';
import { isAllowed } from './src/licences.mjs';
import { PRODUCT } from './src/product.mjs';
import { productionPackages } from './src/production-packages.mjs';
import { billOfMaterials, licenceList } from './src/sbom.mjs';

const { values, positionals } = parseArgs({ options: { image: { type: 'string' } }, allowPositionals: true });
const [folder = join('.stance', 'sbom')] = positionals;
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const delivered = productionPackages(packages, PRODUCT);

const npm = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
const whole = execFileSync('npm', [...npm, '--loglevel=error'], { maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' });
const bill = billOfMaterials(JSON.parse(whole), delivered, baseComponents(baseOf(values.image)));

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'stance.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
writeFileSync(join(folder, 'licences.csv'), licenceList(delivered));
process.stdout.write(`${bill.components.length} components: ${join(folder, 'stance.cdx.json')}, licences.csv\n`);

const refused = delivered.filter(({ license }) => !isAllowed(license));
for (const { name, version, license = 'none' } of refused) {
  process.stderr.write(`${name} ${version}: the licence ${license} is not in deploy/docker/src/licences.mjs\n`);
}
process.exitCode = refused.length === 0 ? 0 : 1;

/**
 * @param {string | undefined} image
 * @returns {import('./src/base-image.mjs').Base}
 */
function baseOf(image) {
  if (image === undefined) return { image: defaultBase(readFileSync('deploy/docker/Dockerfile', 'utf8')) };
  const base = docker('image', 'inspect', '--format', `{{index .Config.Labels "${BASE_LABEL}"}}`, image);
  if (base === '') throw new Error(`${image} has no label ${BASE_LABEL}: it was not built by deploy/docker/Dockerfile`);
  const script = 'JSON.stringify(process.versions)';
  return { image: base, versions: JSON.parse(docker('run', '--rm', '--entrypoint', 'node', image, '--print', script)) };
}

/** @param {readonly string[]} args */
function docker(...args) {
  return execFileSync('docker', args, { encoding: 'utf8' }).trim();
}
