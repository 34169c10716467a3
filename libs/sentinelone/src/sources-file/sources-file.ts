import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isJsonObject, type JsonObject } from '../json.js';
import { readDocument, type PlacedProblem, type SourcesDocument } from './document.js';
import { readFields, type SourceFields } from './schema.js';
import { InlineToken, type SourceEntry } from './source-entry.js';

/** Every problem of a sources file at once, each as `file:line:column: message`. Correct the file. */
export class SourcesFileInvalid extends Error {
  override readonly name = 'SourcesFileInvalid';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** No file of consoles is larger, in characters; parsing more would hold up everything else. */
const MAX_CHARACTERS = 256 * 1024;

const SHAPE = 'expected `sources:` with a list of consoles, each with name, url and tokenFile';

/**
 * Reads `STANCE_SOURCES_FILE`, YAML or JSON: a list of consoles, alone or as `sources`. Paths of token files are
 * relative to the file.
 * @throws {SourcesFileInvalid}
 */
export function readSourcesFile(path: string): { readonly entries: readonly SourceEntry[] } {
  const file = new SourcesFile(path);
  const entries = file.read();
  if (file.problems.length > 0) {
    const inOrder = file.problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    throw new SourcesFileInvalid(inOrder.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`));
  }
  return { entries };
}

/** A file being read: what is wrong with it is collected, so that all of it is told at once. */
class SourcesFile {
  readonly problems: PlacedProblem[] = [];

  constructor(private readonly path: string) {}

  read(): SourceEntry[] {
    const document = this.document();
    if (document === undefined) return [];
    const { root } = document;
    const listed = isJsonObject(root) ? root['sources'] : root;
    const at = isJsonObject(root) ? ['sources'] : [];
    for (const key of isJsonObject(root) ? Object.keys(root) : []) {
      if (key !== 'sources') this.tell(document, [key], `there is no field ${key.slice(0, 60)} here: ${SHAPE}`, 'key');
    }
    if (!Array.isArray(listed) || listed.length === 0) {
      this.tell(document, at, SHAPE);
      return [];
    }
    const entries = listed.flatMap((entry: unknown, index) => this.entry(document, [...at, index], entry) ?? []);
    this.refuseSharedNames(document, at, listed);
    this.refuseSharedTokens(document, entries);
    return entries.map(({ entry }) => entry);
  }

  private document(): SourcesDocument | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      this.problems.push({ message: `cannot be read: ${messageOf(error)}`, line: 1, column: 1 });
      return undefined;
    }
    if (text.length > MAX_CHARACTERS) {
      this.problems.push({ message: `is larger than ${MAX_CHARACTERS} characters`, line: 1, column: 1 });
      return undefined;
    }
    const document = readDocument(text);
    if (!('problems' in document)) return document;
    this.problems.push(...document.problems);
    return undefined;
  }

  private entry(document: SourcesDocument, path: Path, raw: unknown): PlacedEntry | undefined {
    if (!isJsonObject(raw)) {
      this.tell(document, path, 'expected a console: name, url and tokenFile');
      return undefined;
    }
    const fields = readFields(given(raw));
    if ('name' in fields) return this.placed(document, path, fields);
    for (const problem of fields) this.tell(document, [...path, ...problem.path], problem.message, problem.at);
    return undefined;
  }

  private placed(document: SourcesDocument, path: Path, fields: SourceFields): PlacedEntry | undefined {
    const { name, url, token, tokenFile, siteIds = [], accountIds = [], ...rest } = fields;
    const file = tokenFile === undefined ? undefined : resolve(dirname(this.path), tokenFile);
    const secret = file === undefined ? token : this.tokenIn(document, [...path, 'tokenFile'], file);
    if (secret === undefined) return undefined;
    const entry: SourceEntry = {
      name,
      url,
      token: file === undefined ? { inline: new InlineToken(secret) } : { file },
      siteIds,
      accountIds,
      ...withoutUndefined(rest),
      place: `${this.path}:${document.positionOf(path).line}`,
    };
    return { entry, path, secret };
  }

  private tokenIn(document: SourcesDocument, path: Path, file: string): string | undefined {
    try {
      const token = readFileSync(file, 'utf8').trim();
      if (token !== '') return token;
      this.tell(document, path, `the token file ${file} is empty`);
    } catch (error) {
      this.tell(document, path, `the token file cannot be read: ${messageOf(error)}`);
    }
    return undefined;
  }

  private refuseSharedNames(document: SourcesDocument, at: Path, listed: readonly unknown[]): void {
    const seen = new Set<unknown>();
    for (const [index, entry] of listed.entries()) {
      const name = isJsonObject(entry) ? entry['name'] : undefined;
      if (typeof name !== 'string') continue;
      if (seen.has(name)) this.tell(document, [...at, index, 'name'], 'another source has this name');
      seen.add(name);
    }
  }

  /** One token's budget would be used twice, and each of the two would run into the limit of the other. */
  private refuseSharedTokens(document: SourcesDocument, entries: readonly PlacedEntry[]): void {
    const holders = new Map<string, string>();
    for (const { entry, path, secret } of entries) {
      const holder = holders.get(`${entry.url} ${secret}`);
      if (holder === undefined) {
        holders.set(`${entry.url} ${secret}`, entry.name);
        continue;
      }
      const field = 'file' in entry.token ? 'tokenFile' : 'token';
      const message = `${entry.name} and ${holder} read the same console with the same token: give each its own Service User`;
      this.tell(document, [...path, field], message);
    }
  }

  private tell(document: SourcesDocument, path: Path, message: string, at?: 'key'): void {
    this.problems.push({ message, ...document.positionOf(path, at) });
  }
}

type Path = readonly PropertyKey[];

interface PlacedEntry {
  readonly entry: SourceEntry;
  readonly path: Path;
  readonly secret: string;
}

/** Without the fields that are there and empty: `siteIds:` alone says nothing. */
function given(entry: JsonObject): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
}

type Optional = Pick<SourceFields, 'pollInterval' | 'sweepInterval' | 'freshnessStep' | 'retirementLimit'>;

function withoutUndefined({ pollInterval, sweepInterval, freshnessStep, retirementLimit }: Optional) {
  return {
    ...(pollInterval !== undefined && { pollInterval }),
    ...(sweepInterval !== undefined && { sweepInterval }),
    ...(freshnessStep !== undefined && { freshnessStep }),
    ...(retirementLimit !== undefined && { retirementLimit }),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
