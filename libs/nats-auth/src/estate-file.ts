import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Estate } from './accounts/account-plan.js';
import { UnusableAuthFolder } from './errors.js';
import { isAuthFormat, type AuthFormat } from './format.js';
import { ESTATE_FILE } from './own-files.js';
import { writePrivateFile } from './private-file.js';

/** What a folder was written for last. */
export interface KeptEstate extends Required<Estate> {
  readonly format: AuthFormat;
}

/** An estate with all that it may leave out. */
export function keptEstate({ gateways, sources = [], limits = {} }: Estate, format: AuthFormat): KeptEstate {
  return { format, gateways: gateways.toSorted(), sources: sources.toSorted(), limits };
}

/** The estate of a folder; `undefined` where none is kept yet. Throws {@link UnusableAuthFolder}. */
export function readEstate(folder: string): KeptEstate | undefined {
  const file = join(folder, ESTATE_FILE);
  if (!existsSync(file)) return undefined;
  const kept = parsed(file);
  if (isEstate(kept)) return kept;
  throw new UnusableAuthFolder(
    `${file} does not say which gateways, sources and limits there are: restore it, or remove it and name all of them`,
  );
}

export function writeEstate(folder: string, estate: KeptEstate): void {
  writePrivateFile(join(folder, ESTATE_FILE), `${JSON.stringify(estate, null, 2)}\n`);
}

function parsed(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UnusableAuthFolder(
      `${file} cannot be read: restore it, or remove it and name all gateways, sources and limits`,
      { cause: error },
    );
  }
}

function isEstate(kept: unknown): kept is KeptEstate {
  return (
    isObject(kept) &&
    isAuthFormat(kept['format']) &&
    isNames(kept['gateways']) &&
    isNames(kept['sources']) &&
    isObject(kept['limits']) &&
    [kept['limits']['audit'], kept['limits']['gateway']].every(isLimit)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

function isLimit(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isSafeInteger(value) && value > 0);
}
