/** Gives names that no other has. */
export class UniqueNames {
  readonly #taken: Set<string>;
  readonly #last = new Map<string, number>();

  /** Of at most `longest` characters. */
  constructor(
    private readonly longest: number,
    taken: Iterable<string> = [],
  ) {
    this.#taken = new Set(taken);
  }

  /** `base`, or where that is taken `base-2`, `base-3`…; taken from then on. */
  name(base: string): string {
    let name = shortened(base, this.longest);
    for (let count = (this.#last.get(base) ?? 1) + 1; this.#taken.has(name); count++) {
      const suffix = `-${count}`;
      name = `${shortened(base, this.longest - suffix.length)}${suffix}`;
      this.#last.set(base, count);
    }
    this.#taken.add(name);
    return name;
  }
}

/** Up to three of the texts, else how many they are. */
export function listed(texts: readonly string[], what: string): string {
  return texts.length <= 3 ? texts.join(', ') : `${texts.length} ${what}`;
}

/** At most `longest` characters. */
export function shortened(text: string, longest: number): string {
  return text.length <= longest
    ? text
    : text
        .slice(0, longest)
        .toWellFormed()
        .replace(/\uFFFD$/, '');
}

/** A text from another system as the name of a posture or resource; undefined where nothing of it can stand in one. */
export function plainName(text: string): string | undefined {
  const name = text
    .replaceAll(/[^\p{L}\p{N}._:/@+-]+/gu, '-')
    .replace(/^[^\p{L}\p{N}]+/u, '')
    .replace(/-+$/, '');
  return name === '' ? undefined : name;
}
