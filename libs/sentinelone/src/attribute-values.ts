import type { AttributeValue } from '@stance/contracts';
import type { AttributeType } from './agent-attributes.js';
import { isJsonObject, isMissing } from './json.js';
import { toUtc } from './timestamps.js';

/** The value is there and of a type that says nothing certain. */
export const UNREADABLE = Symbol('unreadable');

/** A value as read: undefined when the record holds none. */
export type Reading<T = AttributeValue> = T | undefined | typeof UNREADABLE;

/** Longer texts and lists are no posture; they would only fill the stream. */
const MAX_TEXT = 1024;
const MAX_LIST = 256;

/** How each type is read from JSON; consoles send booleans and numbers as text, and Python's "None" for no value. */
export const READERS: Readonly<Record<AttributeType, (value: unknown) => Reading>> = {
  boolean: readBoolean,
  integer: readInteger,
  string: readText,
  version: readVersion,
  date: readDate,
  list: (value) => readList(value, readText),
  tags: readTags,
  locations: (value) =>
    readList(value, (location) => (isJsonObject(location) ? readText(location['name']) : UNREADABLE)),
};

/** `true`, `"True"`, `"true"`, 1 and their opposites. */
function readBoolean(value: unknown): Reading<boolean> {
  if (typeof value === 'boolean') return value;
  if (isAbsent(value)) return undefined;
  if (value === 1 || (typeof value === 'string' && value.toLowerCase() === 'true')) return true;
  if (value === 0 || (typeof value === 'string' && value.toLowerCase() === 'false')) return false;
  return UNREADABLE;
}

/** A whole number not below 0, or its digits. */
function readInteger(value: unknown): Reading<number> {
  if (isAbsent(value)) return undefined;
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) return UNREADABLE;
  // JSON knows -0, which is equal to 0 and yet another value.
  return Math.abs(number);
}

/** Text kept as it is, enumeration values nobody knows included; a safe whole number as its digits. */
export function readText(value: unknown): Reading<string> {
  if (typeof value === 'string') {
    if (value.length > MAX_TEXT) return UNREADABLE;
    return value.trim() === '' ? undefined : value;
  }
  if (isMissing(value)) return undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : UNREADABLE;
}

/** Text that begins with a number, such as `23.4.2.11`. */
function readVersion(value: unknown): Reading<string> {
  if (isAbsent(value)) return undefined;
  return typeof value === 'string' && /^\s*v?\d+(\.\d+)*/i.test(value) ? readText(value) : UNREADABLE;
}

/** An RFC 3339 time, in UTC with six fraction digits. */
export function readDate(value: unknown): Reading<string> {
  if (isAbsent(value)) return undefined;
  return typeof value === 'string' ? (toUtc(value) ?? UNREADABLE) : UNREADABLE;
}

/** A list, each element read; sorted and without repeats, since consoles keep no order. One bad element spoils it. */
function readList(value: unknown, readElement: (element: unknown) => Reading<string>): Reading<string[]> {
  if (isAbsent(value)) return undefined;
  if (!Array.isArray(value) || value.length > MAX_LIST) return UNREADABLE;
  const elements = new Set<string>();
  for (const element of value) {
    const text = readElement(element);
    if (text === undefined || text === UNREADABLE) return UNREADABLE;
    elements.add(text);
  }
  return [...elements].toSorted();
}

/** `{sentinelone: [{key, value}]}` as `key:value`, or `key` alone where there is no value. */
function readTags(value: unknown): Reading<string[]> {
  if (isAbsent(value)) return undefined;
  if (!isJsonObject(value)) return UNREADABLE;
  return readList(value['sentinelone'], (tag) => {
    if (!isJsonObject(tag)) return UNREADABLE;
    const key = readText(tag['key']);
    const content = readText(tag['value']);
    if (typeof key !== 'string' || content === UNREADABLE) return UNREADABLE;
    return content === undefined ? key : `${key}:${content}`;
  });
}

function isAbsent(value: unknown): boolean {
  return isMissing(value) || value === 'None' || (typeof value === 'string' && value.trim() === '');
}
