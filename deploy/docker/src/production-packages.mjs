// @ts-check

/**
 * A package of `package-lock.json`, by the folder that it is installed to.
 * @typedef {object} LockedPackage
 * @property {string} [name]
 * @property {string} [version]
 * @property {string} [resolved] of a link: the folder it leads to
 * @property {boolean} [link]
 * @property {string} [license]
 * @property {Readonly<Record<string, string>>} [dependencies]
 * @property {Readonly<Record<string, string>>} [optionalDependencies]
 * @property {Readonly<Record<string, string>>} [peerDependencies]
 * @property {Readonly<Record<string, { readonly optional?: boolean }>>} [peerDependenciesMeta]
 */
/** @typedef {Readonly<Record<string, LockedPackage>>} LockedPackages */
/** @typedef {{ folder: string, name: string, version: string, license: string | undefined }} ProductionPackage */

/** Thrown when a package needs another that the lock does not have: it is not the lock of these packages. */
export class PackageNotLocked extends Error {
  /** @param {string} wanted @param {string} by */
  constructor(wanted, by) {
    super(`${by} needs ${wanted}, which package-lock.json does not have: run npm install`);
    this.name = 'PackageNotLocked';
  }
}

/**
 * What the given workspaces need to run, themselves included, sorted by folder. `npm ci --omit=dev` gives more: of
 * workspaces it installs what their tests need, too. Packages of nothing but types are left out. Throws
 * {@link PackageNotLocked}.
 *
 * @param {LockedPackages} packages
 * @param {readonly string[]} workspaces folders such as `services/cli`
 * @returns {readonly ProductionPackage[]}
 */
export function productionPackages(packages, workspaces) {
  /** @type {Set<string>} */
  const folders = new Set();
  const waiting = [...workspaces];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (folders.has(folder)) continue;
    folders.add(folder);
    waiting.push(...neededBy(packages, folder));
  }
  return [...folders].toSorted().map((folder) => {
    const { name, version = '', license } = lockedAt(packages, folder);
    return { folder, name: name ?? nameOf(folder), version, license };
  });
}

/**
 * @param {LockedPackages} packages
 * @param {string} folder
 * @returns {readonly string[]} folders
 */
function neededBy(packages, folder) {
  const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = lockedAt(packages, folder);
  const wanted = [
    ...Object.keys(dependencies ?? {}).map((name) => ({ name, optional: false })),
    ...Object.keys(optionalDependencies ?? {}).map((name) => ({ name, optional: true })),
    ...Object.keys(peerDependencies ?? {})
      .filter((name) => peerDependenciesMeta?.[name]?.optional !== true)
      .map((name) => ({ name, optional: false })),
  ];
  return wanted.flatMap(({ name, optional }) => {
    if (name.startsWith('@types/')) return [];
    const found = resolve(packages, folder, name);
    if (found === undefined && !optional) throw new PackageNotLocked(name, folder);
    return found === undefined ? [] : [found];
  });
}

/**
 * Where Node finds a package: in the nearest `node_modules` above.
 *
 * @param {LockedPackages} packages
 * @param {string} from
 * @param {string} name
 */
function resolve(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const candidate = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const locked = packages[candidate];
    if (locked !== undefined) return locked.link === true ? (locked.resolved ?? candidate) : candidate;
    if (folder === '') return undefined;
  }
}

/** @param {LockedPackages} packages @param {string} folder */
function lockedAt(packages, folder) {
  const locked = packages[folder];
  if (locked === undefined) throw new PackageNotLocked(folder, 'the image');
  return locked;
}

/** @param {string} folder */
function nameOf(folder) {
  return folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
