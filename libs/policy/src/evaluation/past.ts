import type { GraceState, ResourceDecision } from '@stance/contracts';

/** What was decided about a device before, as far as deciding again needs it. */
export interface Past {
  /** As the last decisions keep them. */
  readonly graces: readonly GraceState[];
  /** What the device could reach by the last decisions; asked only about a requirement that is new for it. */
  readonly reached: () => ReadonlyMap<string, Pick<ResourceDecision, 'effect' | 'graceSince'>>;
}

/** Of a device that was never decided about: no requirement with grace has ever been held. */
export const NO_PAST: Past = { graces: [], reached: () => new Map() };
