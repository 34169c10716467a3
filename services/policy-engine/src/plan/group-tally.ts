import { MAX_PLANNED_GROUPS, type PolicyPlan, type Reason } from '@stance/contracts';
import { fitting, type Fitting } from './fitting.js';
import { CHANGES_BY_WEIGHT, type ResourceChange } from './resource-change.js';

type Group = PolicyPlan['groups'][number];

/** Kinds of groups that are counted at the same time; of further ones, only the totals tell. */
const MAX_COUNTED = 10_000;

/** Counts devices whose access changes alike. */
export class GroupTally {
  private readonly groups = new Map<string, Group>();
  private overflowed = false;

  add({ gateway, resource, change, from, to, reasons, sessions }: ResourceChange): void {
    const [first] = reasons;
    const { code, rule, posture, condition } = first ?? {};
    // How a device was proved, and how it has to be, is not its own: many share it.
    const proof = code === 'identity-missing' ? first?.message : undefined;
    const key = [gateway, resource, change, from, to, code, rule, posture, condition, proof].join('\n');
    const known = this.groups.get(key);
    if (known !== undefined) {
      known.devices += 1;
      known.sessions += sessions.length;
    } else if (this.groups.size < MAX_COUNTED) {
      const cause = first && { cause: commonCause(first) };
      this.groups.set(key, { gateway, resource, change, from, to, ...cause, devices: 1, sessions: sessions.length });
    } else this.overflowed = true;
  }

  /** The largest losses first, then what else matters. */
  largest(maxBytes: number): Fitting<Group> {
    const sorted = [...this.groups.values()].toSorted(
      (a, b) => weightOf(a) - weightOf(b) || b.devices - a.devices || b.sessions - a.sessions,
    );
    const fit = fitting(sorted, MAX_PLANNED_GROUPS, maxBytes);
    return { ...fit, truncated: fit.truncated || this.overflowed };
  }
}

function weightOf({ change }: Group): number {
  return CHANGES_BY_WEIGHT.indexOf(change);
}

/** The message of a condition tells the device's own value. */
function commonCause({ code, rule, posture, condition, message }: Reason): NonNullable<Group['cause']> {
  return {
    code,
    ...(rule !== undefined && { rule }),
    ...(posture !== undefined && { posture }),
    ...(condition === undefined ? { message } : { condition }),
  };
}
