import { parseDuration } from '@stance/service-kit';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type YAMLMap } from 'yaml';
import type { StepText } from '../simulator-client.js';

/** A step of a scenario file and where it stands. */
export interface ScenarioStep {
  /** From 1. */
  readonly line: number;
  /** Milliseconds to wait before it. */
  readonly afterMs: number;
  /** The tenant it is for, unless it is the one of the command. */
  readonly tenant: string | undefined;
  /** What the simulator is asked to do. */
  readonly step: StepText;
}

export interface ScenarioProblem {
  readonly line: number;
  readonly message: string;
}

/** Fields that hold text even where it looks like a number: an agent id has more digits than a number keeps. */
const TEXTS = new Set(['agent', 'tenant', 'to', 'token', 'threatName']);

/** Reads a scenario in YAML or JSON: a list of steps, or one under `steps`. Does not know the verbs: the simulator does. */
export function readScenario(text: string): { steps: ScenarioStep[]; problems: ScenarioProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (node: unknown) => lines.linePos((node as Node | null | undefined)?.range?.[0] ?? 0).line;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message, pos }) => ({ message, line: lines.linePos(pos[0]).line }));
    return { steps: [], problems };
  }
  const root = document.contents;
  const list = isMap(root) ? root.get('steps', true) : root;
  if (!isSeq(list) || list.items.length === 0)
    return { steps: [], problems: [{ line: 1, message: 'expected a list of steps, or one under `steps`' }] };
  const steps: ScenarioStep[] = [];
  const problems: ScenarioProblem[] = [];
  for (const item of list.items) {
    const line = lineOf(item);
    const read = isMap(item) ? readStep(item, line) : 'a step is a set of fields, such as `do: infect`';
    if (typeof read === 'string') problems.push({ line, message: read });
    else steps.push(read);
  }
  return { steps, problems };
}

function readStep(item: YAMLMap, line: number): ScenarioStep | string {
  const fields: Record<string, unknown> = {};
  for (const { key, value } of item.items) {
    const name = isScalar(key) ? String(key.value) : '';
    fields[name] = TEXTS.has(name) && isScalar(value) ? (value.source ?? String(value.value)) : toPlain(value);
  }
  const { do: verb, after = '0ms', tenant, ...rest } = fields;
  if (typeof verb !== 'string') return '`do` says what happens, such as `do: infect`';
  const afterMs = typeof after === 'string' ? parseDuration(after) : undefined;
  if (afterMs === undefined) return '`after` has to be a duration such as 500ms, 2s or 5m';
  if (tenant !== undefined && typeof tenant !== 'string') return '`tenant` has to be the name of a tenant';
  return { line, afterMs, tenant, step: { do: verb, ...rest } };
}

/** A node as plain data. */
function toPlain(node: unknown): unknown {
  if (isMap(node))
    return Object.fromEntries(
      node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', toPlain(value)]),
    );
  if (isSeq(node)) return node.items.map(toPlain);
  return isScalar(node) ? node.value : node;
}
