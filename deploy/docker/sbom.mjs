// @ts-check
/**
 * `npm run sbom [-- <folder>]`: writes what the image's services are made of, as CycloneDX (`stance.cdx.json`) and as a list
 * of licences (`licences.csv`), to `.stance/sbom` or the folder. Exits with 1 for a licence that is not allowed.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isAllowed } from './src/licences.mjs';
import { PRODUCT } from './src/product.mjs';
import { productionPackages } from './src/production-packages.mjs';
import { billOfMaterials, licenceList } from './src/sbom.mjs';

const folder = process.argv[2] ?? join('.stance', 'sbom');
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const delivered = productionPackages(packages, PRODUCT);

const npm = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
const whole = execFileSync('npm', [...npm, '--loglevel=error'], { maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' });
const bill = billOfMaterials(JSON.parse(whole), delivered);

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'stance.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`);
writeFileSync(join(folder, 'licences.csv'), licenceList(delivered));
process.stdout.write(`${bill.components.length} components: ${join(folder, 'stance.cdx.json')}, licences.csv\n`);

const refused = delivered.filter(({ license }) => !isAllowed(license));
for (const { name, version, license = 'none' } of refused) {
  process.stderr.write(`${name} ${version}: the licence ${license} is not in deploy/docker/src/licences.mjs\n`);
}
process.exitCode = refused.length === 0 ? 0 : 1;
