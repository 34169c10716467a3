import { describe, expect, it } from '@jest/globals';

import { billOfMaterials, ComponentMissing, licenceList } from './sbom.mjs';

const delivered = [
  { folder: 'services/a', name: '@s/a', version: '1.0.0', license: 'Apache-2.0' },
  { folder: 'node_modules/yes', name: 'yes', version: '1.2.0', license: 'MIT' },
  { folder: 'services/a/node_modules/yes', name: 'yes', version: '2.0.0', license: '(MIT OR ISC)' },
];
const base = [{ 'bom-ref': 'node@24.1.0' }];
const bill = (...references: string[]) => ({
  bomFormat: 'CycloneDX',
  metadata: { component: { 'bom-ref': 'stance@1.0.0', name: 'checkout' } },
  components: references.map((reference) => ({ 'bom-ref': reference })),
  dependencies: [
    { ref: 'stance@1.0.0', dependsOn: ['@s/a@1.0.0', 'jest@30.0.0'] },
    { ref: '@s/a@1.0.0', dependsOn: ['yes@1.2.0'] },
    { ref: 'jest@30.0.0', dependsOn: ['yes@1.2.0'] },
  ],
});

describe('the bill of materials', () => {
  it('names what is delivered, once, and on what of it that depends', () => {
    const made = billOfMaterials(bill('@s/a@1.0.0', 'yes@1.2.0', 'yes@2.0.0', 'jest@30.0.0'), delivered, base);
    expect(made.components.map((component) => component['bom-ref'])).toEqual([
      '@s/a@1.0.0',
      'yes@1.2.0',
      'yes@2.0.0',
      'node@24.1.0',
    ]);
    expect(made.dependencies).toEqual([
      { ref: 'stance@1.0.0', dependsOn: ['@s/a@1.0.0'] },
      { ref: '@s/a@1.0.0', dependsOn: ['yes@1.2.0'] },
    ]);
    expect(made).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'stance' } } });
  });

  it('is refused where npm does not name what is delivered', () => {
    expect(() => billOfMaterials(bill('@s/a@1.0.0', 'yes@1.2.0'), delivered, base)).toThrow(ComponentMissing);
  });

  it('has a list of the licences of others', () => {
    expect(licenceList(delivered)).toBe('package,version,licence\nyes,1.2.0,"MIT"\nyes,2.0.0,"(MIT OR ISC)"\n');
  });
});
