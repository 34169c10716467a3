import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { goldenCase, type GoldenCase } from './golden-case.js';

const FOLDER = fileURLToPath(new URL('../../../policy/src/cases/', import.meta.url));
const DAY_MS = 86_400_000;

/** When a case begins that does not say it. */
const START = '2026-11-21T12:00:00Z';

/** One file of the golden cases of the policy language. */
export interface GoldenFile {
  /** A sentence, below the folder: `conditions/a-number-compares.yaml`. */
  readonly name: string;
  readonly text: string;
}

/** All of them, in order of their names. */
export function goldenFiles(): GoldenFile[] {
  const names = globSync('**/*.yaml', { cwd: FOLDER }).toSorted();
  return names.map((name) => ({ name, text: readFileSync(`${FOLDER}/${name}`, 'utf8') }));
}

/**
 * Reads a case, with every date in it some days later if asked: what a server does by its own clock then comes after it.
 * Throws with the place in the file where it is no golden case.
 */
export function readGoldenCase({ name, text }: GoldenFile, { daysLater = 0 } = {}): GoldenCase {
  const document: unknown = parse(later(text, daysLater));
  const read = goldenCase.safeParse({ now: later(START, daysLater), ...objectIn(document) });
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new Error(`${name} is no golden case: ${problems.join('; ')}`);
}

const objectIn = (document: unknown): object => (typeof document === 'object' && document !== null ? document : {});

function later(text: string, days: number): string {
  return text.replaceAll(/\b\d{4}-\d\d-\d\d(?=\b|T)/g, (date) => laterDate(date, days));
}

/** What is no date stays as it is, and so does what would become one of more than four digits. */
function laterDate(date: string, days: number): string {
  const at = Date.parse(date);
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== date) return date;
  const later = new Date(at + days * DAY_MS).toISOString();
  return later.startsWith('+') ? date : later.slice(0, 10);
}
