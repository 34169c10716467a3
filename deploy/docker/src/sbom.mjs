// @ts-check

/** @typedef {import('./production-packages.mjs').ProductionPackage} ProductionPackage */
/**
 * What of CycloneDX 1.5 is looked at here; everything else is passed on as npm wrote it.
 * @typedef {{ 'bom-ref': string, [field: string]: unknown }} Component
 * @typedef {{ ref: string, dependsOn: readonly string[] }} Dependency
 * @typedef {{ metadata: { component: Component, [field: string]: unknown }, components: readonly Component[], dependencies: readonly Dependency[], [field: string]: unknown }} Bill
 */

/** Thrown when npm's bill of materials lacks a package that is delivered. */
export class ComponentMissing extends Error {
  /** @param {string} reference */
  constructor(reference) {
    super(`npm sbom does not name ${reference}, which package-lock.json has: run npm install`);
    this.name = 'ComponentMissing';
  }
}

/**
 * Of npm's bill of materials of the checkout, what is delivered, and the base that it is delivered on: npm's own `--omit=dev`
 * leaves in what only tests of workspaces need, and leaves out what a test needs, too. Throws {@link ComponentMissing}.
 *
 * @param {Bill} whole
 * @param {readonly ProductionPackage[]} delivered
 * @param {readonly Component[]} base
 * @returns {Bill}
 */
export function billOfMaterials(whole, delivered, base) {
  const references = new Set(delivered.map(({ name, version }) => `${name}@${version}`));
  const components = whole.components.filter((component) => references.has(component['bom-ref']));
  const named = new Set(components.map((component) => component['bom-ref']));
  for (const reference of references) if (!named.has(reference)) throw new ComponentMissing(reference);
  const { component } = whole.metadata;
  const root = component['bom-ref'];
  const dependencies = whole.dependencies
    .filter(({ ref }) => ref === root || named.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => named.has(each)) }));
  // npm names the product after the folder of the checkout.
  return {
    ...whole,
    metadata: { ...whole.metadata, component: { ...component, name: 'stance' } },
    components: [...components, ...base],
    dependencies,
  };
}

/**
 * One line for each package of others, as CSV.
 *
 * @param {readonly ProductionPackage[]} delivered
 */
export function licenceList(delivered) {
  const lines = delivered
    .filter(({ folder }) => folder.includes('node_modules/'))
    .map(({ name, version, license = '' }) => `${name},${version},"${license}"`);
  return `${['package,version,licence', ...new Set(lines.toSorted())].join('\n')}\n`;
}
