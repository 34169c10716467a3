/**
 * Which ids have which keys. Most keys have a single id: a set for each would cost more than all the rest.
 */
export class KeyIndex {
  private readonly idsOfKey = new Map<string, string | Set<string>>();

  /** An id's keys changed. */
  changed(id: string, before: readonly string[], now: readonly string[]): void {
    for (const key of before) if (!now.includes(key)) this.remove(key, id);
    for (const key of now) if (!before.includes(key)) this.add(key, id);
  }

  /** The ids that have a key, as they are now. */
  idsOf(key: string): readonly string[] {
    const ids = this.idsOfKey.get(key);
    if (ids === undefined) return [];
    return typeof ids === 'string' ? [ids] : [...ids];
  }

  private add(key: string, id: string): void {
    const ids = this.idsOfKey.get(key);
    if (ids === undefined) this.idsOfKey.set(key, id);
    else if (typeof ids !== 'string') ids.add(id);
    else if (ids !== id) this.idsOfKey.set(key, new Set([ids, id]));
  }

  private remove(key: string, id: string): void {
    const ids = this.idsOfKey.get(key);
    if (ids === id) this.idsOfKey.delete(key);
    if (ids === undefined || typeof ids === 'string') return;
    ids.delete(id);
    const [only] = ids;
    if (ids.size === 1 && only !== undefined) this.idsOfKey.set(key, only);
  }
}
