import type { EventOf, PolicyActivated, PolicyPublished } from '@stance/contracts';

/** A publication and what became of it. */
export interface PolicyRecord {
  readonly revision: number;
  /** `in-force`: the last that was activated; `pending`: the engine has not said anything yet. */
  readonly state: 'in-force' | 'replaced' | 'refused' | 'pending';
  readonly sha256: string;
  readonly publishedBy: string;
  readonly comment?: string | undefined;
  readonly publishedAt: string;
  readonly activatedAt?: string | undefined;
  readonly errors: EventOf<typeof PolicyActivated>['data']['errors'];
}

/** Every publication, the newest first. */
export function policyRecords(
  published: readonly EventOf<typeof PolicyPublished>[],
  activated: readonly EventOf<typeof PolicyActivated>[],
): PolicyRecord[] {
  const outcomeOf = new Map(activated.map((event) => [event.data.revision, event]));
  const inForce = activated.findLast(({ data }) => data.outcome === 'active')?.data.revision;
  const stateOf = (revision: number): PolicyRecord['state'] => {
    const outcome = outcomeOf.get(revision)?.data.outcome;
    if (outcome === 'refused') return 'refused';
    if (revision === inForce) return 'in-force';
    return outcome === 'active' ? 'replaced' : 'pending';
  };
  return published
    .map(({ time, data: { revision, sha256, publishedBy, comment } }) => ({
      revision,
      state: stateOf(revision),
      sha256,
      publishedBy,
      comment,
      publishedAt: time,
      activatedAt: outcomeOf.get(revision)?.time,
      errors: outcomeOf.get(revision)?.data.errors ?? [],
    }))
    .toReversed();
}
