import type { ListUnmatched } from '@stance/contracts';
import type { z } from 'zod';
import { AGENT_REMEDIES, DEVICE_REMEDIES, type Remedy } from './remedies.js';

type UnmatchedList = z.output<typeof ListUnmatched.output>;
export type UnmatchedAgent = UnmatchedList['agents'][number];
export type UnmatchedDevice = UnmatchedList['devices'][number];

/** What has one reason, and what can be done about it. */
export interface Group<Row> extends Remedy {
  readonly problem: string;
  readonly rows: readonly Row[];
}

/** Every name that a group can have. */
export const GROUP_NAMES = [...new Set([...Object.keys(AGENT_REMEDIES), ...Object.keys(DEVICE_REMEDIES)])];

export const problemOfAgent = ({ problem }: UnmatchedAgent) => problem ?? 'no-reason';
export const problemOfDevice = ({ problem }: UnmatchedDevice) => problem ?? 'no-agent';

/** Agents by reason, the largest group first. */
export function agentGroups(agents: readonly UnmatchedAgent[]): Group<UnmatchedAgent>[] {
  return groups(agents, problemOfAgent, AGENT_REMEDIES);
}

/** Devices without an agent by reason, the largest group first. */
export function deviceGroups(devices: readonly UnmatchedDevice[]): Group<UnmatchedDevice>[] {
  return groups(devices, problemOfDevice, DEVICE_REMEDIES);
}

function groups<Row, Problem extends string>(
  rows: readonly Row[],
  problemOf: (row: Row) => Problem,
  remedies: Readonly<Record<Problem, Remedy>>,
): Group<Row>[] {
  return [...Map.groupBy(rows, problemOf)]
    .map(([problem, of]) => ({ problem, ...remedies[problem], rows: of }))
    .toSorted((a, b) => b.rows.length - a.rows.length || a.problem.localeCompare(b.problem));
}
