import { describe, expect, it } from '@jest/globals';
import { matchBySerial, type Match } from './match.js';
import type { SerialKey } from './serial-number.js';

const USABLE: SerialKey = { usable: true, key: 'SERIAL-1' };
const MATCHED: Match = { state: 'matched', device: 'd1', by: 'serial', trust: 'reported' };
const NO_DEVICE: Match = { state: 'unmatched', device: null, problem: 'no-device' };

interface Case {
  readonly what: string;
  readonly serial?: SerialKey;
  readonly presence?: 'present' | 'gone';
  readonly devices: string[];
  readonly agents: string[];
  readonly match: Match;
}

const CASES: Case[] = [
  { what: 'one device and one agent belong together', devices: ['d1'], agents: ['a'], match: MATCHED },
  { what: 'without a device, an agent belongs to none', devices: [], agents: ['a'], match: NO_DEVICE },
  { what: 'two agents without a device are just unmatched', devices: [], agents: ['a', 'b'], match: NO_DEVICE },
  {
    what: 'without a serial number, nothing is looked up',
    serial: { usable: false, problem: 'no-serial' },
    devices: ['d1'],
    agents: ['a'],
    match: { state: 'unmatched', device: null, problem: 'no-serial' },
  },
  {
    what: 'a placeholder is never matched',
    serial: { usable: false, problem: 'placeholder-serial' },
    devices: ['d1'],
    agents: ['a'],
    match: { state: 'unmatched', device: null, problem: 'placeholder-serial' },
  },
  {
    what: 'two devices leave it open which one it is, told in order',
    devices: ['d2', 'd1'],
    agents: ['a'],
    match: { state: 'quarantined', device: null, candidates: ['d1', 'd2'], problem: 'duplicate-device-serial' },
  },
  {
    what: 'two agents leave it open which one is the device',
    devices: ['d1'],
    agents: ['a', 'b'],
    match: { state: 'quarantined', device: null, candidates: ['d1'], problem: 'duplicate-agent-serial' },
  },
  {
    what: 'an agent that is gone does not mind others',
    presence: 'gone',
    devices: ['d1'],
    agents: ['b', 'c'],
    match: MATCHED,
  },
  {
    what: 'of two devices it is open for an agent that is gone as well',
    presence: 'gone',
    devices: ['d1', 'd2'],
    agents: [],
    match: { state: 'quarantined', device: null, candidates: ['d1', 'd2'], problem: 'duplicate-device-serial' },
  },
];

describe('matching by serial number', () => {
  it.each(CASES)('$what', ({ serial = USABLE, presence = 'present', devices, agents, match }) => {
    expect(matchBySerial(serial, presence, { devices, agents })).toEqual(match);
  });
});
