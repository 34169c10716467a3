import { isAlias, isMap, isScalar, isSeq, type Alias, type Document, type Node, type Pair } from 'yaml';

/** A document as plain data, in which an alias is the same object as what it stands for. */
export interface PlainData {
  readonly root: unknown;
  /** Values there are with every alias spelt out, each list and mapping counted beside its entries. */
  readonly values: number;
  /** Lists and mappings inside each other, with every alias spelt out. */
  readonly depth: number;
  /** What each alias stands for. */
  readonly targets: ReadonlyMap<Alias, Node>;
}

/** Thrown for an alias that stands for nothing, or for what it is itself a part of. */
export class UnusableAlias extends Error {
  override readonly name = 'UnusableAlias';

  constructor(
    message: string,
    /** Characters into the text. */
    readonly offset: number,
  ) {
    super(message);
  }
}

/**
 * Reads the data of a document whose keys are all texts, each once, in one pass: the parser would look for the anchor of
 * every alias among all nodes.
 * @throws {UnusableAlias}
 */
export function plainData(parsed: Document): PlainData {
  const anchors: Anchors = { ended: new Map(), open: new Set(), targets: new Map() };
  const { value, values, depth } = read(parsed.contents, anchors);
  return { root: value, values, depth, targets: anchors.targets };
}

interface Read {
  readonly value: unknown;
  readonly values: number;
  readonly depth: number;
}

interface Anchors {
  /** By anchor: the last node that has it, and what was read of it. */
  readonly ended: Map<string, { readonly node: Node; readonly read: Read }>;
  /** Of the nodes that are being read. */
  readonly open: Set<string>;
  readonly targets: Map<Alias, Node>;
}

function read(node: unknown, anchors: Anchors): Read {
  if (isAlias(node)) return readAlias(node, anchors);
  if (isScalar(node)) return remember(node, { value: node.value, values: 1, depth: 0 }, anchors);
  if (!isMap(node) && !isSeq(node)) return { value: null, values: 1, depth: 0 };
  const { anchor } = node;
  if (anchor !== undefined) anchors.open.add(anchor);
  const collected = isMap(node) ? readMap(node.items, anchors) : readList(node.items, anchors);
  if (anchor !== undefined) anchors.open.delete(anchor);
  return remember(node, collected, anchors);
}

function readAlias(alias: Alias, { ended, open, targets }: Anchors): Read {
  const { source, range } = alias;
  const target = open.has(source) ? undefined : ended.get(source);
  if (target !== undefined) {
    targets.set(alias, target.node);
    return target.read;
  }
  const name = source.slice(0, 100);
  const message = open.has(source) ? `*${name} is inside of &${name} itself` : `there is no &${name} before this alias`;
  throw new UnusableAlias(message, range?.[0] ?? 0);
}

function readList(items: readonly unknown[], anchors: Anchors): Read {
  const value: unknown[] = [];
  const size = new Size();
  for (const item of items) value.push(size.with(read(item, anchors)));
  return { value, ...size.total };
}

function readMap(items: readonly Pair[], anchors: Anchors): Read {
  const entries: [string, unknown][] = [];
  const size = new Size();
  for (const { key, value } of items) {
    // A key may have an anchor too.
    const name = read(key, anchors).value;
    entries.push([String(name), size.with(read(value, anchors))]);
  }
  return { value: Object.fromEntries(entries), ...size.total };
}

/** Adds up what a list or mapping holds. */
class Size {
  #values = 1;
  #depth = 0;

  with({ value, values, depth }: Read): unknown {
    this.#values += values;
    this.#depth = Math.max(this.#depth, depth);
    return value;
  }

  get total(): Pick<Read, 'values' | 'depth'> {
    return { values: this.#values, depth: this.#depth + 1 };
  }
}

function remember(node: Node & { anchor?: string | undefined }, found: Read, { ended }: Anchors): Read {
  if (node.anchor !== undefined) ended.set(node.anchor, { node, read: found });
  return found;
}
