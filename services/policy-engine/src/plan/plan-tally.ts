import type { AccessChange, PolicyPlan } from '@stance/contracts';
import { DeviceList } from './device-list.js';
import { GroupTally } from './group-tally.js';
import type { DeviceOutcome } from './resource-change.js';

type PlannedEffects = Pick<PolicyPlan, 'devices' | 'totals' | 'groups' | 'changes' | 'truncated'>;

/** Adds up what a policy would do to a fleet, device by device, in bounded memory but for the people concerned. */
export class PlanTally {
  private devices = 0;
  private unchanged = 0;
  private openSessions = 0;
  private revocations = 0;
  private readonly byChange: Record<AccessChange, number> = { lose: 0, gain: 0, warn: 0, clear: 0, report: 0 };
  private readonly people = new Set<string>();
  private readonly groups = new GroupTally();
  private readonly list = new DeviceList();

  add(outcome: DeviceOutcome): void {
    const { changes, openSessions } = outcome;
    this.devices += 1;
    this.openSessions += openSessions;
    if (changes.length === 0) {
      this.unchanged += 1;
      return;
    }
    for (const change of new Set(changes.map((one) => one.change))) this.byChange[change] += 1;
    for (const person of losers(outcome)) this.people.add(person);
    for (const change of changes) {
      this.revocations += change.sessions.length;
      this.groups.add(change);
    }
    this.list.add(outcome);
  }

  /** What has come together, in at most `maxBytes` of JSON and a little more. */
  result(maxBytes: number): PlannedEffects {
    const { devices, byChange, unchanged, people, openSessions, revocations } = this;
    const groups = this.groups.largest(maxBytes / 2);
    const list = this.list.worst(maxBytes - groups.bytes);
    return {
      devices,
      totals: { ...byChange, unchanged, people: people.size, openSessions, revocations },
      groups: groups.items,
      changes: list.items,
      truncated: groups.truncated || list.truncated,
    };
  }
}

/** The people who lose something: e-mail addresses, in lower case. */
function losers({ owner, changes }: DeviceOutcome): string[] {
  const users = changes.flatMap(({ sessions }) => sessions.flatMap(({ user }) => user ?? []));
  // What others lose because it is the owner's alone, the owner keeps. A session without a proved user is the device's.
  const ownerLoses = changes.some(
    ({ change, to, sessions }) =>
      change === 'lose' && (to === 'deny' || sessions.some(({ user }) => user === undefined)),
  );
  return [...users, ...(ownerLoses && owner !== undefined ? [owner] : [])].map((person) => person.toLowerCase());
}
