import type { AgentMatched, DataOf } from '@stance/contracts';
import type { SerialKey } from './serial-number.js';

type Register = DataOf<typeof AgentMatched>;

/** The part of a register that says where an agent belongs. */
export type Match = Pick<Register, 'state' | 'device' | 'candidates' | 'by' | 'trust' | 'problem'>;

/** What shares an agent's serial number, itself included. */
export interface SerialSharers {
  /** Enrolled devices, by id. */
  readonly devices: readonly string[];
  /** Agents that are present, by key. */
  readonly agents: readonly string[];
}

/**
 * Where an agent belongs, by serial number. A key counts only while it is unique on both sides: two devices or two agents
 * with one serial number are quarantined, as nobody can tell which is which.
 */
export function matchBySerial(serial: SerialKey, presence: Register['presence'], sharers: SerialSharers): Match {
  if (!serial.usable) return unmatched(serial.problem);
  const { devices, agents } = sharers;
  const [device] = devices;
  if (device === undefined) return unmatched('no-device');
  if (devices.length > 1) return quarantined('duplicate-device-serial', devices);
  // An agent that is gone reports no more; it neither disturbs the one that replaced it nor is disturbed.
  if (presence === 'present' && agents.length > 1) return quarantined('duplicate-agent-serial', devices);
  return { state: 'matched', device, by: 'serial', trust: 'reported' };
}

function unmatched(problem: NonNullable<Register['problem']>): Match {
  return { state: 'unmatched', device: null, problem };
}

function quarantined(problem: NonNullable<Register['problem']>, devices: readonly string[]): Match {
  return { state: 'quarantined', device: null, candidates: devices.toSorted(), problem };
}
