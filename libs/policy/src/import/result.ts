/** How far a note is from "carried over as it was". Only `left-out` means that something of the source is missing. */
export type ImportSeverity = 'changed' | 'left-out' | 'review';

/** What a person has to know about one place of the imported file. */
export interface ImportNote {
  readonly severity: ImportSeverity;
  /** Such as `acls[0].srcPosture`; `the file` for all of it. */
  readonly at: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** What could not be carried over as it was, and what to do. */
  readonly message: string;
}

/** Why a file cannot be imported at all, and where. */
export interface ImportError {
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** A policy document that `parsePolicy` accepts and whose own tests pass, with what to know about it; or why there is none. */
export type ImportResult =
  | { readonly ok: true; readonly document: string; readonly report: readonly ImportNote[] }
  | { readonly ok: false; readonly errors: readonly ImportError[] };
