import { pathText, type JsonSource, type Path } from './json-source.js';
import type { ImportNote, ImportSeverity } from './result.js';

const MAX_NOTES = 1000;

/** Collects what a person has to know about an import, at most a thousand notes. */
export class ImportReport {
  readonly #notes: ImportNote[] = [];
  readonly #said = new Set<string>();
  readonly #reviews = new Set<string>();
  #unlisted = 0;
  #leftOutUnlisted = false;

  constructor(private readonly source: JsonSource) {}

  /** It is in the policy, but narrower or otherwise than in the source. */
  changed(path: Path, message: string): void {
    this.#add('changed', path, message);
  }

  /** It is not in the policy, which allows less for it. */
  leftOut(path: Path, message: string): void {
    this.#add('left-out', path, message);
  }

  /** It is in the policy and means the same if what the message says is so. Said once, where it comes up first. */
  review(path: Path, message: string): void {
    if (this.#reviews.has(message)) return;
    this.#reviews.add(message);
    this.#add('review', path, message);
  }

  /** In the order of the source. */
  notes(): ImportNote[] {
    const notes = this.#notes.toSorted((a, b) => a.line - b.line || a.column - b.column);
    if (this.#unlisted === 0) return notes;
    const severity = this.#leftOutUnlisted ? 'left-out' : 'changed';
    const message = `${this.#unlisted} more notes are not listed: import a part of the file at a time`;
    return [...notes, { severity, at: pathText([]), line: 1, column: 1, message }];
  }

  #add(severity: ImportSeverity, path: Path, message: string): void {
    const at = pathText(path);
    if (this.#said.has(`${at} ${message}`)) return;
    this.#said.add(`${at} ${message}`);
    if (this.#notes.length >= MAX_NOTES) {
      this.#unlisted++;
      this.#leftOutUnlisted ||= severity === 'left-out';
      return;
    }
    this.#notes.push({ severity, at, ...this.source.locate(path), message });
  }
}
