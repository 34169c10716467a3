import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml';

/** Where in the file, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface PlacedProblem extends Position {
  readonly message: string;
}

/** A YAML or JSON document as plain data, with the way back to its lines. */
export interface SourcesDocument {
  readonly root: unknown;
  /** Where the value of a path begins, or its key; the nearest thing around it where there is none. */
  positionOf(path: readonly PropertyKey[], at?: 'value' | 'key'): Position;
}

/** Reads YAML 1.2 or JSON. Every scalar is text as written: an id of 19 digits would lose its last ones as a number. */
export function readDocument(text: string): SourcesDocument | { readonly problems: readonly PlacedProblem[] } {
  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document = parseDocument(text, {
    schema: 'failsafe',
    customTags: ['null'],
    lineCounter: lines,
    prettyErrors: false,
    // At `silent`, a second document would be dropped without a word.
    logLevel: 'error',
  });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    return { problems: faults.map(({ message, pos }) => ({ message: unquoted(message), ...position(pos[0]) })) };
  }
  try {
    const root: unknown = document.toJS();
    return { root, positionOf: (path, at = 'value') => position(offsetOf(document, path, at)) };
  } catch (error) {
    // What a reader can still do wrong here are aliases: unresolved, circular, or growing without bounds.
    const detail = error instanceof Error ? error.message : String(error);
    return { problems: [{ message: `the aliases cannot be resolved (${unquoted(detail)})`, line: 1, column: 1 }] };
  }
}

/** The parser quotes what it does not understand, which may be a token. */
function unquoted(message: string): string {
  return message.replace(/\s*[:"%!\\].*/s, '');
}

function offsetOf(document: Document, path: readonly PropertyKey[], at: 'value' | 'key'): number {
  const last = path.at(-1);
  const holder = document.getIn(path.slice(0, -1), true);
  const pair = isMap(holder) ? holder.items.find(({ key }) => isScalar(key) && key.value === last) : undefined;
  const value = path.length === 0 ? document.contents : document.getIn(path, true);
  const start = [at === 'value' ? value : undefined, pair?.key, value]
    .map(startOf)
    .find((offset) => offset !== undefined);
  if (start !== undefined) return start;
  return path.length === 0 ? 0 : offsetOf(document, path.slice(0, -1), 'value');
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
