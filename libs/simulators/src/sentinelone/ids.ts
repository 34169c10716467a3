/** Ids count milliseconds from November 2010, as ids of real consoles decode to (for example 1626072197849348704). */
const ID_EPOCH_MS = 1_288_834_974_657;

/** A 19-digit id (18 before 2019) that grows with its time; `salt` (22 bits) keeps ids of one millisecond apart. */
export function idFrom(milliseconds: number, salt: number): string {
  const elapsed = BigInt(Math.max(0, Math.floor(milliseconds) - ID_EPOCH_MS));
  return ((elapsed << 22n) | BigInt(salt & 0x3fffff)).toString();
}

/** Orders ids as the numbers they spell, without reading them as numbers. */
export function compareIds(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}
