import type { DataOf, EngineStatus, EventOf, PolicyActivated, PolicyPublished } from '@stance/contracts';

type Activation = EventOf<typeof PolicyActivated>;
type Publication = EventOf<typeof PolicyPublished>;

/** A publication and what became of it. */
export interface PolicyRecord {
  readonly revision: number;
  /**
   * `in-force`: the last that was activated; `reporting`: in report mode beside it; `replaced`: once either of them;
   * `pending`: the engine has not said anything yet.
   */
  readonly state: 'in-force' | 'reporting' | 'replaced' | 'refused' | 'pending';
  /** Whether it decides, or only reports; undefined while it is not known. */
  readonly mode?: 'enforce' | 'report' | undefined;
  readonly sha256: string;
  readonly publishedBy: string;
  readonly comment?: string | undefined;
  readonly publishedAt: string;
  readonly activatedAt?: string | undefined;
  /** False of the one in force where the engine can no longer read it: everything is denied then. */
  readonly loads?: false;
  readonly errors: DataOf<typeof PolicyActivated>['errors'];
}

/** Every publication, the newest first. */
export function policyRecords(published: readonly Publication[], activated: readonly Activation[]): PolicyRecord[] {
  const outcomeOf = new Map(activated.map((event) => [event.data.revision, event]));
  const inForce = revisionsInForce(activated).at(-1);
  const reporting = reportingRevision(activated);
  const stateOf = (revision: number): PolicyRecord['state'] => {
    if (revision === inForce) return 'in-force';
    if (revision === reporting) return 'reporting';
    const outcome = outcomeOf.get(revision)?.data.outcome;
    if (outcome === undefined) return 'pending';
    return outcome === 'refused' ? 'refused' : 'replaced';
  };
  return published
    .map(({ time, data: { revision, sha256, publishedBy, comment } }) => {
      const outcome = outcomeOf.get(revision);
      const mode = outcome?.data.outcome === 'active' ? (outcome.data.mode ?? 'enforce') : undefined;
      return {
        revision,
        state: stateOf(revision),
        mode,
        sha256,
        publishedBy,
        comment,
        publishedAt: time,
        activatedAt: outcome?.time,
        errors: outcome?.data.errors ?? [],
      };
    })
    .toReversed();
}

/** The same, with the engine's word on whether the one in force loads; `status` is null where it does not answer. */
export function withPresentState(records: readonly PolicyRecord[], status: EngineStatus | null): PolicyRecord[] {
  if (status === null || status.policyLoads) return [...records];
  const { policyRevision, policyErrors = [] } = status;
  return records.map((record) =>
    record.state === 'in-force' && record.revision === policyRevision
      ? { ...record, loads: false, errors: policyErrors }
      : record,
  );
}

/** The revisions that came into force, in that order: the last one is. */
export function revisionsInForce(activated: readonly Activation[]): number[] {
  return activated.filter(decides).map(({ data }) => data.revision);
}

/** The one in report mode that runs beside the one in force: it ends when another comes. */
function reportingRevision(activated: readonly Activation[]): number | undefined {
  const last = activated.findLast(({ data }) => data.outcome === 'active');
  return last?.data.mode === 'report' ? last.data.revision : undefined;
}

const decides = ({ data }: Activation): boolean => data.outcome === 'active' && data.mode !== 'report';
