import type { AttributeType } from '../attributes/definition.js';
import { policyDuration } from '../duration.js';
import { compareVersions, parseVersion, type Version } from '../version.js';
import type { Literal } from './syntax.js';

/** How the single values of a type are written, read and compared. */
export interface ValueType<Value> {
  /** The value of a literal; undefined where it is none of this type. */
  readonly literal: (literal: Literal) => Value | undefined;
  /** The value of a reading; undefined where the source gave something of another type. */
  readonly read: (value: unknown) => Value | undefined;
  /** Below 0, 0 or above 0, as a sort wants it. */
  readonly compare: (a: Value, b: Value) => number;
  /** Whether `<` and its like mean anything. */
  readonly ordered: boolean;
  /** How to write a value, for messages. */
  readonly written: string;
}

const byDifference = (a: number, b: number): number => a - b;

const boolean: ValueType<boolean> = {
  literal: ({ text, quoted }) => (quoted || (text !== 'true' && text !== 'false') ? undefined : text === 'true'),
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  compare: (a, b) => Number(a) - Number(b),
  ordered: false,
  written: 'true or false',
};

const number: ValueType<number> = {
  literal: ({ text, quoted }) => (quoted || !/^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? undefined : Number(text)),
  read: (value) => (typeof value === 'number' && Number.isFinite(value) ? value : undefined),
  compare: byDifference,
  ordered: true,
  written: 'a number without quotes, such as 3',
};

const string: ValueType<string> = {
  literal: ({ text, quoted }) => (quoted ? text : undefined),
  read: (value) => (typeof value === 'string' ? value : undefined),
  compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
  ordered: false,
  written: "a string in quotes, such as 'connected'",
};

const version: ValueType<Version> = {
  literal: ({ text }) => parseVersion(text),
  read: (value) => (typeof value === 'string' ? parseVersion(value) : undefined),
  compare: compareVersions,
  ordered: true,
  written: "a version, such as '24.1'",
};

const date: ValueType<number> = {
  literal: ({ text }) => parseDate(text),
  read: (value) => (typeof value === 'string' ? parseDate(value) : undefined),
  compare: byDifference,
  ordered: true,
  written: "a date, such as '2026-12-24' or '2026-12-24T08:00:00Z'",
};

const duration: ValueType<number> = {
  literal: ({ text }) => policyDuration(text),
  // A duration that was measured comes in milliseconds.
  read: (value) => (typeof value === 'string' ? policyDuration(value) : number.read(value)),
  compare: byDifference,
  ordered: true,
  written: 'a duration of at most 3650d, such as 24h',
};

/** By type of attribute; lists have no single values, only entries that are strings. */
export const VALUE_TYPES = {
  boolean,
  number,
  string,
  version,
  date,
  duration,
  list: string,
} as const satisfies Record<AttributeType, unknown>;

const DATE = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Milliseconds since the epoch of an RFC 3339 time, or of a day at midnight UTC; undefined for anything else. */
function parseDate(text: string): number | undefined {
  const day = DATE.exec(text)?.[1];
  if (day === undefined) return undefined;
  const time = Date.parse(text);
  const midnight = Date.parse(day);
  // The engine rolls a 30 February over into March.
  if (Number.isNaN(time) || Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) {
    return undefined;
  }
  return time;
}
