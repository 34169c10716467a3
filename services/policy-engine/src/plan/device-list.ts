import { MAX_PLANNED_DEVICES, type PolicyPlan, type Reason } from '@stance/contracts';
import { fitting, type Fitting } from './fitting.js';
import { CHANGES_BY_WEIGHT, type DeviceOutcome, type ResourceChange } from './resource-change.js';

type PlannedDevice = PolicyPlan['changes'][number];

const MAX_CHANGES = 20;
const MAX_SESSIONS = 20;
const MAX_REASONS = 3;

/** Keeps the devices that a plan names: those that matter most, of equals the first. */
export class DeviceList {
  /** By {@link rankOf}. */
  private readonly ranks: readonly PlannedDevice[][] = [[], ...CHANGES_BY_WEIGHT.map(() => [])];
  private leftOut = false;

  add(outcome: DeviceOutcome): void {
    const worstFirst = outcome.changes.toSorted((a, b) => rankOf(a) - rankOf(b));
    const [worst] = worstFirst;
    if (worst === undefined) return;
    const alike = this.ranks[rankOf(worst)];
    if (alike === undefined || alike.length >= MAX_PLANNED_DEVICES) {
      this.leftOut = true;
      return;
    }
    const sessions = worstFirst.flatMap((change) => change.sessions);
    if (worstFirst.length > MAX_CHANGES || sessions.length > MAX_SESSIONS) this.leftOut = true;
    alike.push(plannedDevice(outcome, worstFirst));
  }

  worst(maxBytes: number): Fitting<PlannedDevice> {
    const fit = fitting(this.ranks.flat(), MAX_PLANNED_DEVICES, maxBytes);
    return { ...fit, truncated: fit.truncated || this.leftOut };
  }
}

/** From 0, for a loss of open sessions, which goes before any other change. */
function rankOf({ change, sessions }: ResourceChange): number {
  return sessions.length > 0 ? 0 : 1 + CHANGES_BY_WEIGHT.indexOf(change);
}

function plannedDevice({ deviceId, owner }: DeviceOutcome, changes: readonly ResourceChange[]): PlannedDevice {
  return {
    deviceId,
    ...(owner !== undefined && { owner }),
    changes: changes
      .slice(0, MAX_CHANGES)
      .map(({ gateway, resource, change, from, to }) => ({ gateway, resource, change, from, to })),
    reasons: differing(changes.flatMap(({ reasons }) => reasons)),
    sessions: changes
      .flatMap(({ sessions }) => sessions)
      .slice(0, MAX_SESSIONS)
      .map(({ gateway, sessionId, resource, user }) => ({
        gateway,
        sessionId,
        resource,
        ...(user !== undefined && { user }),
      })),
  };
}

/** The same condition of the same rule on two resources is one reason. */
function differing(reasons: readonly Reason[]): Reason[] {
  const first = new Map<string, Reason>();
  for (const reason of reasons) {
    if (first.size === MAX_REASONS) break;
    const { code, rule, posture, condition, message } = reason;
    const key = JSON.stringify([code, rule, posture, condition ?? message]);
    if (!first.has(key)) first.set(key, reason);
  }
  return [...first.values()];
}
