import { badParameter } from './api-errors.js';
import type { Bound, Condition } from './conditions.js';
import { formatTimestamp, parseTimestamp } from './timestamps.js';

/** Compiles the text of one query parameter; undefined when every document passes. Throws a 400 refusal on bad text. */
export type FilterRule<D> = (text: string, parameter: string) => Condition<D> | undefined;

/** Filter rules by parameter name. */
export type FilterRules<D> = Readonly<Record<string, FilterRule<D>>>;

/** Arrays are comma separated. */
export function parseList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

export function parseFlag(text: string, parameter: string): boolean {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw badParameter(`${parameter}: not a valid boolean`);
  return lower === 'true';
}

export function parseInteger(text: string, parameter: string, least: number, most: number): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw badParameter(`${parameter}: not a valid integer`);
  if (value < least || value > most) throw badParameter(`${parameter}: must be between ${least} and ${most}`);
  return value;
}

function parseTime(text: string, parameter: string): string {
  const at = parseTimestamp(text);
  if (at === undefined) throw badParameter(`${parameter}: not a valid date-time`);
  return formatTimestamp(at);
}

/** `column__gt|gte|lt|lte|between` on a date-time; between is `<from_ms>-<to_ms>`, both ends included. */
export function timeRules<D>(column: string, read: (document: D) => string | null): FilterRules<D> {
  const range = (from: Bound | undefined, to: Bound | undefined): Condition<D> => ({
    matches: (document) => liesWithin(read(document), from, to),
    range: { column, ...(from && { from }), ...(to && { to }) },
  });
  return {
    [`${column}__gt`]: (text, name) => range({ value: parseTime(text, name), inclusive: false }, undefined),
    [`${column}__gte`]: (text, name) => range({ value: parseTime(text, name), inclusive: true }, undefined),
    [`${column}__lt`]: (text, name) => range(undefined, { value: parseTime(text, name), inclusive: false }),
    [`${column}__lte`]: (text, name) => range(undefined, { value: parseTime(text, name), inclusive: true }),
    [`${column}__between`]: (text, name) => {
      const [from, to] = parseBetween(text, name);
      // A millisecond holds a thousand of the microseconds that rows are stamped with.
      const last = formatTimestamp(to * 1000 + 999);
      return range({ value: formatTimestamp(from * 1000), inclusive: true }, { value: last, inclusive: true });
    },
  };
}

/** `column__gt|gte|lt|lte|between` on a number. */
export function numberRules<D>(column: string, read: (document: D) => number): FilterRules<D> {
  const number = (text: string, name: string) => parseInteger(text, name, 0, Number.MAX_SAFE_INTEGER);
  const compare =
    (holds: (value: number, limit: number) => boolean): FilterRule<D> =>
    (text, name) => {
      const limit = number(text, name);
      return { matches: (document) => holds(read(document), limit) };
    };
  return {
    [`${column}__gt`]: compare((value, limit) => value > limit),
    [`${column}__gte`]: compare((value, limit) => value >= limit),
    [`${column}__lt`]: compare((value, limit) => value < limit),
    [`${column}__lte`]: compare((value, limit) => value <= limit),
    [`${column}__between`]: (text, name) => {
      const [from, to] = parseBetween(text, name);
      return { matches: (document) => read(document) >= from && read(document) <= to };
    },
  };
}

/** `name` (one of these) and `nameNin` (none of these); `known` closes the list of values. */
export function choiceRules<D>(
  name: string,
  read: (document: D) => string | readonly string[],
  known?: readonly string[],
): FilterRules<D> {
  const choices = (text: string, parameter: string): ReadonlySet<string> => {
    const values = parseList(text);
    const stranger = values.find((value) => known !== undefined && !known.includes(value));
    if (stranger !== undefined)
      throw badParameter(`${parameter}: ${stranger} is not one of ${known?.join(', ') ?? ''}`);
    return new Set(values);
  };
  const holds = (document: D, wanted: ReadonlySet<string>): boolean => {
    const value = read(document);
    return typeof value === 'string' ? wanted.has(value) : value.some((item) => wanted.has(item));
  };
  return {
    [name]: (text, parameter) => {
      const wanted = choices(text, parameter);
      return { matches: (document) => holds(document, wanted) };
    },
    [`${name}Nin`]: (text, parameter) => {
      const unwanted = choices(text, parameter);
      return { matches: (document) => !holds(document, unwanted) };
    },
  };
}

/** A single boolean. */
export function flagRule<D>(read: (document: D) => boolean): FilterRule<D> {
  return (text, parameter) => {
    const wanted = parseFlag(text, parameter);
    return { matches: (document) => read(document) === wanted };
  };
}

/** An array of booleans: `true,false` lets both pass. */
export function flagsRule<D>(read: (document: D) => boolean): FilterRule<D> {
  return (text, parameter) => {
    const wanted = new Set(parseList(text).map((item) => parseFlag(item, parameter)));
    if (wanted.size === 0) throw badParameter(`${parameter}: not a valid boolean`);
    return wanted.size === 2 ? undefined : { matches: (document) => wanted.has(read(document)) };
  };
}

/** `..__contains`: any of the given pieces in any of the texts, whatever the case. */
export function containsRule<D>(read: (document: D) => readonly (string | null | undefined)[]): FilterRule<D> {
  return (text) => {
    const pieces = parseList(text.toLowerCase());
    return {
      matches: (document) =>
        read(document).some(
          (value) => typeof value === 'string' && pieces.some((piece) => value.toLowerCase().includes(piece)),
        ),
    };
  };
}

/** Exactly this text. */
export function equalsRule<D>(read: (document: D) => string | null | undefined): FilterRule<D> {
  return (text) => ({ matches: (document) => read(document) === text });
}

/** Rows by id: the one filter that needs no search. */
export function idsRule<D extends { readonly id: string }>(): FilterRule<D> {
  return (text) => {
    const ids = parseList(text);
    const wanted = new Set(ids);
    return { ids, matches: (document) => wanted.has(document.id) };
  };
}

function parseBetween(text: string, parameter: string): [from: number, to: number] {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text);
  if (match === null) throw badParameter(`${parameter}: expected <from>-<to>`);
  return [Number(match[1]), Number(match[2])];
}

function liesWithin(value: string | null, from: Bound | undefined, to: Bound | undefined): boolean {
  if (value === null) return false;
  if (typeof from?.value === 'string' && (from.inclusive ? value < from.value : value <= from.value)) return false;
  return !(typeof to?.value === 'string' && (to.inclusive ? value > to.value : value >= to.value));
}
