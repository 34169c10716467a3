import type { DataOf, DecisionChanged, GraceState, Reason, ResourceDecision } from '@stance/contracts';
import type { Wanted } from './golden-case.js';

type Shadow = NonNullable<DataOf<typeof DecisionChanged>['shadow']>['resources'];

/** What came of one moment of a golden case at one gateway, whoever decided. */
export interface Outcome {
  /** Undefined while nothing was decided. */
  readonly decision:
    | {
        readonly resources: Readonly<Record<string, ResourceDecision>>;
        /** RFC 3339; null where time alone changes nothing. */
        readonly reviewAt: string | null;
        readonly graces: readonly GraceState[];
        /** Undefined where no policy in report mode runs beside the one in force. */
        readonly shadow: Shadow | undefined;
      }
    | undefined;
  /** Resources, in any order. */
  readonly revoked: readonly string[];
  /** What was recorded: decisions, then revocations. */
  readonly audit: readonly Recorded[];
  /** Of a policy that was refused now. */
  readonly errors: readonly { readonly message: string }[] | undefined;
}

export type Recorded =
  | ({ readonly event: 'decision.changed' } & Partial<DataOf<typeof DecisionChanged>>)
  | {
      readonly event: 'session.revoked';
      readonly gateway: string;
      readonly resource: string;
      readonly reasons: readonly Reason[];
    };

const NO_DETAILS: Readonly<Record<string, null>> = {
  until: null,
  graceSince: null,
  requiresOwner: null,
  exceptions: null,
  heldUntil: null,
  shadow: null,
  shadowReasons: null,
};
const NO_GRACE: Readonly<Record<string, null>> = { resources: null, failingSince: null, heldSince: null };

/** What a case wants of a moment, for a matcher of subsets; the other side is {@link asTold}. */
export function asWanted(wanted: Wanted): object {
  const { expect, reviewAt, graces, shadow, revoked, audit, errors } = wanted;
  return onlyDefined({
    resources: expect,
    reviewAt,
    graces,
    shadow,
    // A subset of nothing would be anything.
    shadowed: shadow && Object.keys(shadow).toSorted(),
    revoked: revoked.toSorted(),
    audit,
    errors: errors ?? null,
  });
}

/** What came of a moment, where details that are not there are `null`. */
export function asTold({ decision, revoked, audit, errors }: Outcome): object {
  const { resources = {}, reviewAt, graces = [], shadow = null } = decision ?? {};
  return {
    resources: detailed(resources),
    reviewAt,
    graces: graces.map((grace) => ({ ...NO_GRACE, ...grace })),
    shadow,
    shadowed: shadow && Object.keys(shadow).toSorted(),
    revoked: revoked.toSorted(),
    audit: audit.map((entry) =>
      entry.event === 'decision.changed' ? { ...entry, resources: detailed(entry.resources ?? {}) } : entry,
    ),
    errors: errors ?? null,
  };
}

function detailed(resources: Readonly<Record<string, ResourceDecision>>): Record<string, object> {
  return Object.fromEntries(Object.entries(resources).map(([name, one]) => [name, { ...NO_DETAILS, ...one }]));
}

function onlyDefined(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
