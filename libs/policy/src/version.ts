/** A dotted numeric version; the parts that a shorter one lacks count as 0. */
export interface Version {
  readonly parts: readonly number[];
  /** The identifiers of a pre-release, which sorts before its release; empty for a release. */
  readonly preRelease: readonly string[];
}

const VERSION =
  /^v?(\d{1,15}(?:\.\d{1,15}){0,15})(?:[-~]?([A-Za-z][0-9A-Za-z.-]{0,63})|-([0-9][0-9A-Za-z.-]{0,63}))?(?:\+[0-9A-Za-z.-]{1,64})?$/;

/** Reads `24.1.10`, `24.1-beta.2`, `24.1rc1`; a build after `+` does not count. Undefined for anything else. */
export function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const preRelease = match[2] ?? match[3];
  return {
    parts: (match[1] ?? '').split('.').map(Number),
    preRelease: preRelease === undefined ? [] : preRelease.split(/[.-]/),
  };
}

/** Below 0 where `a` is older than `b`, 0 where they are the same version, above 0 where it is newer. */
export function compareVersions(a: Version, b: Version): number {
  const length = Math.max(a.parts.length, b.parts.length);
  for (let index = 0; index < length; index++) {
    const difference = (a.parts[index] ?? 0) - (b.parts[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return comparePreReleases(a.preRelease, b.preRelease);
}

/** As Semantic Versioning 2.0.0, point 11: numbers before words, fewer identifiers before more. */
function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareIdentifiers(a[index] ?? '', b[index] ?? '');
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareIdentifiers(a: string, b: string): number {
  const numericA = /^\d+$/.test(a);
  const numericB = /^\d+$/.test(b);
  if (numericA && numericB) return Number(a) - Number(b);
  if (numericA !== numericB) return numericA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
