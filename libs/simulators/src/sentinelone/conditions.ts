import type { SortValue } from './ordered-index.js';

/** One end of a range. */
export interface Bound {
  readonly value: SortValue;
  readonly inclusive: boolean;
}

/** A compiled filter. `column` with bounds, or `ids`, let a collection find its rows without reading all of them. */
export interface Condition<D> {
  readonly matches: (document: D) => boolean;
  readonly range?: { readonly column: string; readonly from?: Bound; readonly to?: Bound };
  readonly ids?: readonly string[];
}
