import type { DataOf, EngineStatus, EventOf, PolicyActivated, PolicyPublished } from '@stance/contracts';

type Activation = EventOf<typeof PolicyActivated>;
type Publication = EventOf<typeof PolicyPublished>;

/** A publication and what became of it. */
export interface PolicyRecord {
  readonly revision: number;
  /**
   * `in-force`: the last that was activated; `reporting`: in report mode beside it; `replaced`: once either of them;
   * `pending`: the engine has not said anything yet; `unverified`: the log says that it is in force, and the engine does not
   * count it, as no policy admin signed it.
   */
  readonly state: 'in-force' | 'reporting' | 'replaced' | 'refused' | 'pending' | 'unverified';
  /** Whether it decides, or only reports; undefined while it is not known. */
  readonly mode?: 'enforce' | 'report' | undefined;
  readonly sha256: string;
  readonly publishedBy: string;
  readonly comment?: string | undefined;
  readonly isSigned: boolean;
  /** Whose signature the engine verified; undefined where it asks for none. */
  readonly signer?: string | undefined;
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
    .map(({ time, data: { revision, sha256, publishedBy, comment, signature } }) => {
      const outcome = outcomeOf.get(revision);
      const mode = outcome?.data.outcome === 'active' ? (outcome.data.mode ?? 'enforce') : undefined;
      return {
        revision,
        state: stateOf(revision),
        mode,
        sha256,
        publishedBy,
        comment,
        isSigned: signature !== undefined,
        signer: outcome?.data.signer,
        publishedAt: time,
        activatedAt: outcome?.time,
        errors: outcome?.data.errors ?? [],
      };
    })
    .toReversed();
}

/**
 * The same, with the engine's word on which is in force and whether it loads, given after the records were read; `status` is
 * null where it does not answer.
 */
export function withPresentState(records: readonly PolicyRecord[], status: EngineStatus | null): PolicyRecord[] {
  if (status === null) return [...records];
  const { policyRevision, policyLoads, policyErrors = [], unverifiedRevision } = status;
  const claimed = records.find(({ state }) => state === 'in-force')?.revision ?? 0;
  return records.map((record) => {
    const { revision } = record;
    if (policyRevision === 0 || claimed < policyRevision) return record;
    if (claimed > policyRevision) {
      // The engine may be about to take it.
      if (claimed !== unverifiedRevision) return record;
      if (revision === claimed) return { ...record, state: 'unverified' };
    }
    if (revision !== policyRevision) return record;
    const inForce: PolicyRecord = { ...record, state: 'in-force' };
    return policyLoads ? inForce : { ...inForce, loads: false, errors: policyErrors };
  });
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
