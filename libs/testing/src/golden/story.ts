import type { AttributeValue, DataOf, PostureChanged } from '@stance/contracts';
import { changesPosture, type GoldenAgent, type GoldenCase, type Happening, type Wanted } from './golden-case.js';

/** A posture as the store publishes it, without its revision. */
export type GoldenPosture = Pick<DataOf<typeof PostureChanged>, 'device' | 'agents' | 'attributes' | 'problems'>;

type AttributeReading = GoldenPosture['attributes'][string];

/** One moment of a golden case, with all that holds at it. */
export interface Moment {
  /** Such as `at the start` or `at 2026-11-22T12:00:00Z`. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly gateway: string;
  /** Published now; undefined where the one before stays. */
  readonly policy: string | undefined;
  /** Undefined for a device without a posture record. */
  readonly posture: GoldenPosture | undefined;
  /** Whether the posture is told now. */
  readonly tellsPosture: boolean;
  readonly sessions: readonly string[];
  readonly wanted: Wanted;
}

/** The moments of a case in order: each says what becomes different, all else goes on. */
export function momentsOf({ now, steps, ...first }: GoldenCase): Moment[] {
  const moments: Moment[] = [];
  let gateway = 'edge';
  let posture: GoldenPosture | undefined;
  for (const happened of [{ ...first, at: now }, ...steps]) {
    gateway = happened.gateway ?? gateway;
    posture = postureAfter(posture, happened);
    moments.push({
      name: moments.length === 0 ? 'at the start' : `at ${happened.at}`,
      at: Date.parse(happened.at),
      gateway,
      policy: happened.policy,
      posture,
      tellsPosture: posture !== undefined && changesPosture(happened),
      sessions: happened.sessions,
      wanted: happened,
    });
  }
  return moments;
}

/** A device without `device` has no posture record, whatever else the case says. */
function postureAfter(before: GoldenPosture | undefined, happened: Happening): GoldenPosture | undefined {
  if (before === undefined && happened.device === undefined) return undefined;
  return {
    device: deviceAfter(before?.device ?? { state: 'enrolled', groups: [], tags: [] }, happened.device),
    agents: happened.agents?.map((agent, index) => agentAt(agent, index, happened.at)) ?? before?.agents ?? [],
    attributes: attributesAfter(before?.attributes ?? {}, happened.attributes ?? {}),
    problems: happened.problems ?? before?.problems ?? [],
  };
}

function deviceAfter(before: GoldenPosture['device'], changed: Happening['device'] = {}): GoldenPosture['device'] {
  const { id: _, state = before.state, groups = before.groups, tags = before.tags, ...others } = changed;
  return { ...before, ...others, state, groups, tags };
}

function agentAt({ agentId, observedAt, ...agent }: GoldenAgent, index: number, at: string) {
  return { ...agent, agentId: agentId ?? `agent-${index + 1}`, observedAt: observedAt ?? at };
}

function attributesAfter(
  before: GoldenPosture['attributes'],
  changed: NonNullable<Happening['attributes']>,
): GoldenPosture['attributes'] {
  const attributes = { ...before };
  for (const [name, value] of Object.entries(changed)) {
    if (value === null) delete attributes[name];
    else if (isReading(value)) attributes[name] = value;
    else attributes[name] = { value, agent: 0 };
  }
  return attributes;
}

function isReading(value: AttributeValue | AttributeReading): value is AttributeReading {
  return typeof value === 'object' && !Array.isArray(value);
}
