/** Sets of keys remembered at most: a console whose records never hold the same fields twice gets plain objects. */
const MAX_SHAPES = 256;

/**
 * Makes objects of many optional keys, one hidden class for each set of keys that occurs.
 *
 * An object that is given more than a dozen computed keys one by one becomes a hash table in V8, which takes a quarter longer
 * to make, and as much to turn into JSON each time. A copy of one that has the keys does not.
 */
export class SameShape<Value> {
  readonly #examples = new Map<string, Readonly<Record<string, Value>>>();
  readonly #keys: readonly { readonly key: string; readonly index: number; readonly mark: string }[];

  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key, index) => ({ key, index, mark: String.fromCharCode(index) }));
  }

  /** An object of the values, which come in the order of the keys; undefined ones are left out. */
  of(values: readonly (Value | undefined)[]): Record<string, Value> {
    let absent = '';
    for (const { index, mark } of this.#keys) if (values[index] === undefined) absent += mark;
    const example = this.#examples.get(absent);
    const object: Record<string, Value> = { ...example };
    for (const { key, index } of this.#keys) {
      const value = values[index];
      if (value !== undefined) object[key] = value;
    }
    if (example === undefined && this.#examples.size < MAX_SHAPES) this.#examples.set(absent, { ...object });
    return object;
  }
}
