import { missingRow, rowOf, tell, type Row } from '../rows.js';
import { measureCostCurves, type CostCurves, type CurvePoint } from './cost-curve.js';
import { measurePolicyChange, type PolicyChange } from './policy-change.js';
import { measurePolicyEvaluation, type Comparison, type PolicyEvaluation } from './policy-evaluation.js';

/** Everything about evaluating policies, in this process alone: no server and no service takes part. */
export interface PolicyFigures {
  readonly evaluation: PolicyEvaluation;
  readonly change: PolicyChange;
  readonly curves: CostCurves;
  readonly rows: readonly Row[];
}

/** Under a minute; under 15 seconds if quick. The first run on a machine builds OPA besides. */
export async function measurePolicies({ quick }: { quick: boolean }): Promise<PolicyFigures> {
  const rows: Row[] = [];
  const add = (...more: readonly Row[]): void => {
    more.forEach(tell);
    rows.push(...more);
  };
  const evaluation = await measurePolicyEvaluation({ quick });
  add(...engineRows('8 conditions', evaluation.mix));
  add(...engineRows('8 conditions, allowed devices alone', evaluation.allowed));

  const change = await measurePolicyChange({ quick });
  const figure = `policy change, 20 rules, ${change.devices} devices, beside their bare conditions`;
  add(rowOf(figure, change.seconds, change.bareSeconds, 's', 'at most 3x'));

  const curves = measureCostCurves({ quick });
  add(...curveRows('rules', curves.rules), ...curveRows('resources', curves.resources));
  return { evaluation, change, curves, rows };
}

/** Each way of asking Stance beside each of the others. */
function engineRows(what: string, { stance, others }: Comparison): Row[] {
  return stance.flatMap((own) =>
    others.map((other) => {
      const figure = `${what}: ${own.engine}, beside ${other.engine}`;
      const wanted = 'over 1x';
      if ('unavailable' in own) return missingRow(figure, own.unavailable, wanted);
      if ('unavailable' in other) return missingRow(figure, other.unavailable, wanted);
      return rowOf(figure, own.perSecond, other.perSecond, 'evaluations/s', wanted);
    }),
  );
}

/** Each point beside what the one before would grow to if the cost were all for the rules, or resources. */
function curveRows(what: string, points: readonly CurvePoint[]): Row[] {
  return points.map(({ size, nanoseconds }, index) => {
    const before = points[index - 1];
    const figure = `evaluation with ${size} ${what}, ${(nanoseconds / size).toFixed(0)} ns for each`;
    if (before === undefined) return rowOf(figure, nanoseconds, null, 'ns', 'reported');
    const linear = (before.nanoseconds * size) / before.size;
    return rowOf(`${figure}, beside ${before.size} grown`, nanoseconds, linear, 'ns', 'no more than linear: 1x');
  });
}
