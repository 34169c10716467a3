import type { GraceState, ResourceDecision } from '@stance/contracts';
import { mergeGraces } from './merge-graces.js';

/** What was decided about a device before, as far as deciding again needs it. */
export interface Past {
  /** As the last decisions keep them. */
  readonly graces: readonly GraceState[];
  /** What the device could reach by the last decisions; asked only about a requirement that is new for it. */
  readonly reached: () => ReadonlyMap<string, Pick<ResourceDecision, 'effect' | 'graceSince'>>;
}

/** Of a device that was never decided about: no requirement with grace has ever been held. */
export const NO_PAST: Past = { graces: [], reached: () => new Map() };

/** A decision of a device at one gateway, as far as deciding again needs it. */
export interface PastDecision {
  readonly resources: Readonly<Record<string, Pick<ResourceDecision, 'effect' | 'graceSince'>>>;
  readonly graces?: readonly GraceState[] | undefined;
}

/** The last decisions of all gateways as one past: of what could be reached, the first that speaks of a resource counts. */
export function pastOf(decisions: readonly PastDecision[]): Past {
  return {
    graces: mergeGraces(decisions.map(({ graces = [] }) => graces)),
    reached: () => new Map(decisions.toReversed().flatMap(({ resources }) => Object.entries(resources))),
  };
}
