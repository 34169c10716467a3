import { PolicyActivated, type PolicyPlan } from '@stance/contracts';
import { Unreachable } from '../../errors.js';
import { lastPublication, type Publication } from '../../publish-policy.js';
import { readLog } from '../../read-table.js';
import { revisionsInForce } from '../../records/policies.js';
import type { Stack } from '../../stack.js';
import { planPolicy } from './plan.js';

export interface PlannedPublication {
  readonly plan: PolicyPlan;
  /** The plan holds as long as this is the newest publication. */
  readonly after: Publication;
}

/** Plans a publication against the policy in force. Throws {@link Unreachable} while it is not certain which that is. */
export async function planPublication(stack: Stack, document: string): Promise<PlannedPublication> {
  const after = await lastPublication(stack);
  const { events: activated } = await readLog(stack.connection, PolicyActivated);
  const settled = activated.at(-1)?.data.revision ?? 0;
  if (settled < after.revision) {
    throw new Unreachable(
      `revision ${after.revision} is published, but the engine has said nothing about it yet, so that no plan would hold: is policy-engine running? See \`stance policy history\``,
    );
  }
  const plan = await planPolicy(stack, document);
  const inForce = revisionsInForce(activated).at(-1) ?? 0;
  if (plan.errors.length === 0 && plan.baseRevision !== inForce) {
    throw new Unreachable(
      `the engine compared with revision ${plan.baseRevision}, but revision ${inForce} is in force: nothing was published; try again`,
    );
  }
  return { plan, after };
}
