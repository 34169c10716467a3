import { parseCondition } from '../conditions/condition.js';
import { InvalidCondition } from '../conditions/syntax.js';
import type { DraftPosture, DraftRule, DraftTest } from './draft.js';
import type { Path } from './json-source.js';
import { shortened } from './names.js';
import type { ImportReport } from './report.js';

/** One requirement of a check and where it stands in the source: as a condition, or why it cannot be one. */
export type Criterion =
  { readonly path: Path; readonly condition: string } | { readonly path: Path; readonly problem: string };

/** A set of criteria that another system holds against SentinelOne agents, and what it opens. */
export interface AgentCheck {
  readonly path: Path;
  readonly posture: string;
  readonly resource: string;
  readonly groups?: readonly string[];
  readonly criteria: readonly Criterion[];
  readonly maxAge?: string;
}

/** What a check becomes in a policy. */
export interface CarriedCheck {
  readonly posture: DraftPosture;
  readonly rule: DraftRule;
  readonly tests: readonly DraftTest[];
}

/** Carries a check over whole or not at all: without one of its criteria it would let more devices pass. */
export function carryCheck(check: AgentCheck, report: ImportReport): CarriedCheck | undefined {
  const conditions = check.criteria.map((criterion) => conditionOf(criterion, report));
  const carried = conditions.filter((condition) => condition !== undefined);
  if (carried.length < conditions.length || conditions.length === 0) {
    const why = conditions.length === 0 ? 'it has no criteria' : 'with a criterion less it would let more devices pass';
    report.leftOut(check.path, `left out as a whole: ${why}`);
    return undefined;
  }
  const { posture, resource, maxAge, groups } = check;
  const scope = groups === undefined ? {} : { groups };
  const device = groups === undefined ? {} : { groups: groups.slice(0, 1) };
  const test = (what: string, effect: 'allow' | 'deny'): DraftTest => ({
    path: check.path,
    name: `${posture}: ${what}`,
    ...(effect === 'allow' ? { from: 'passing' as const } : {}),
    device,
    expect: new Map([[resource, effect]]),
  });
  return {
    posture: { conditions: carried, ...(maxAge === undefined ? {} : { maxAge }) },
    rule: { name: `${resource} needs ${posture}`, resources: [resource], ...scope, require: [posture] },
    tests: [test('a device that passes', 'allow'), test('a device without an agent', 'deny')],
  };
}

/** A text as a condition writes it. */
export const quoted = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);

function conditionOf(criterion: Criterion, report: ImportReport): string | undefined {
  if ('problem' in criterion) {
    report.leftOut(criterion.path, criterion.problem);
    return undefined;
  }
  try {
    return parseCondition(criterion.condition).text;
  } catch (error) {
    if (!(error instanceof InvalidCondition)) throw error;
    report.leftOut(criterion.path, `${shortened(criterion.condition, 120)}: ${error.message}`);
    return undefined;
  }
}
