import { readText } from './attribute-values.js';
import { isJsonObject } from './json.js';
import { readId } from './record-id.js';

/** A site of the console, as far as its record says. */
export interface Site {
  readonly id: string;
  readonly name?: string;
  /** `active`, `expired`, `deleted` or what else the console writes. */
  readonly state?: string;
}

/** Reads one record of `GET /sites`; undefined when it has no usable id. */
export function readSite(raw: unknown): Site | undefined {
  if (!isJsonObject(raw)) return undefined;
  const id = readId(raw['id']);
  if (typeof id !== 'string') return undefined;
  const [name, state] = [readText(raw['name']), readText(raw['state'])];
  return { id, ...(typeof name === 'string' && { name }), ...(typeof state === 'string' && { state }) };
}
