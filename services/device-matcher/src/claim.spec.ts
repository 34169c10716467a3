import { describe, expect, it } from '@jest/globals';
import type { Hardware } from '@stance/contracts';
import { claimOf, type Claim } from './claim.js';
import { IdentityReader } from './identity.js';
import { IdentityIndex } from './identity-index.js';
import { MATCH_KEYS, type MatchKey } from './match-keys.js';

const reader = new IdentityReader();
const UUID = '4c4c4544-0044-3510-8052-b4c04f4d3132';
const MAC = '3c:22:fb:00:11:22';
const OTHER_MAC = '3c:22:fb:00:11:23';

/** What an agent with this hardware claims, where the inventory holds these devices. */
function claim(
  agent: Hardware,
  devices: Record<string, Hardware>,
  { keys = MATCH_KEYS, certified = [] }: { keys?: readonly MatchKey[]; certified?: string[] } = {},
): Claim {
  const index = new IdentityIndex(keys);
  for (const [id, hardware] of Object.entries(devices)) {
    index.changed(id, undefined, reader.identityOf(hardware));
  }
  return claimOf(reader.identityOf(agent), keys, {
    devicesWith: (key, value) => index.idsOf(key, value),
    isCertified: (device) => certified.includes(device),
  });
}

const device = (by: string, trust: string, id = 'd1') => ({ kind: 'device', device: id, by, trust });
const nothing = (problem: string) => ({ kind: 'nothing', problem });
const ambiguous = (problem: string, ...devices: string[]) => ({ kind: 'ambiguous', devices, problem });

describe('an agent is matched', () => {
  it.each<[string, Hardware, Hardware, object]>([
    ['by its serial number', { serialNumber: 'abc-1234' }, { serialNumber: 'ABC-1234 ' }, device('serial', 'reported')],
    [
      'by its external id, confirmed by a hardware address',
      { externalId: 'asset-7', macAddresses: [OTHER_MAC, MAC] },
      { externalId: 'asset-7', macAddresses: [MAC] },
      device('externalId+mac', 'reported'),
    ],
    ['by its UUID', { uuid: UUID }, { uuid: UUID.toUpperCase() }, device('uuid', 'reported')],
    [
      'by hardware address and host name, weakly',
      { hostname: 'LAPTOP-7.corp.example.org', macAddresses: [MAC] },
      { hostname: 'laptop-7', macAddresses: [MAC] },
      device('mac+hostname', 'weak'),
    ],
  ])('%s', (_, agent, inventory, expected) => {
    expect(claim(agent, { d1: inventory, d2: { serialNumber: 'OTHER-1' } })).toEqual(expected);
  });

  it('for certain where its UUID stands in the device certificate', () => {
    expect(claim({ uuid: UUID }, { d1: { uuid: UUID } }, { certified: ['d1'] })).toEqual(device('uuid', 'verified'));
  });

  it('by the next key where the first says nothing', () => {
    const agent = { serialNumber: 'To be filled by O.E.M.', uuid: UUID };
    expect(claim(agent, { d1: { serialNumber: 'To be filled by O.E.M.', uuid: UUID } })).toEqual(
      device('uuid', 'reported'),
    );
  });

  it('by the first key in the order of the installation', () => {
    const hardware = { serialNumber: 'ABC-1234', uuid: UUID };
    expect(claim(hardware, { d1: hardware }, { keys: ['uuid', 'serial'] })).toEqual(device('uuid', 'reported'));
  });
});

describe('an agent is not matched', () => {
  it.each<[string, Hardware, Hardware, object]>([
    ['without a serial number', {}, { serialNumber: 'ABC-1234' }, nothing('no-serial')],
    ['by a placeholder', { serialNumber: 'None' }, { serialNumber: 'None' }, nothing('placeholder-serial')],
    ['by what no device has', { serialNumber: 'ABC-1234' }, { serialNumber: 'ABC-1235' }, nothing('no-device')],
    ['by an external id alone', { externalId: 'asset-7' }, { externalId: 'asset-7' }, nothing('no-serial')],
    [
      'by an external id that another hardware address contradicts',
      { externalId: 'asset-7', macAddresses: [MAC] },
      { externalId: 'asset-7', macAddresses: [OTHER_MAC] },
      nothing('no-serial'),
    ],
    ['by a host name alone', { hostname: 'laptop-7' }, { hostname: 'laptop-7' }, nothing('no-serial')],
  ])('%s', (_, agent, inventory, expected) => {
    expect(claim(agent, { d1: inventory })).toEqual(expected);
  });

  it('by a key that is not in use', () => {
    const hardware = { hostname: 'laptop-7', macAddresses: [MAC] };
    expect(claim(hardware, { d1: hardware }, { keys: ['serial'] })).toEqual(nothing('no-serial'));
  });
});

describe('it stays open which device it is', () => {
  it('where two have its serial number, told in order', () => {
    const hardware = { serialNumber: 'ABC-1234' };
    expect(claim(hardware, { d2: hardware, d1: hardware })).toEqual(ambiguous('duplicate-device-serial', 'd1', 'd2'));
  });

  it('where two have another key of it', () => {
    expect(claim({ uuid: UUID }, { d2: { uuid: UUID }, d1: { uuid: UUID } })).toEqual(
      ambiguous('several-devices', 'd1', 'd2'),
    );
  });

  it('even if a later key names one of the two', () => {
    const agent = { serialNumber: 'ABC-1234', uuid: UUID };
    const devices = { d1: { serialNumber: 'ABC-1234', uuid: UUID }, d2: { serialNumber: 'ABC-1234' } };
    expect(claim(agent, devices)).toEqual(ambiguous('duplicate-device-serial', 'd1', 'd2'));
  });

  it('where its keys name different devices', () => {
    const agent = { serialNumber: 'ABC-1234', uuid: UUID };
    expect(claim(agent, { d2: { serialNumber: 'ABC-1234' }, d1: { uuid: UUID } })).toEqual(
      ambiguous('conflicting-keys', 'd1', 'd2'),
    );
  });
});

it('what a later key leaves open counts not against the first', () => {
  const agent = { serialNumber: 'ABC-1234', uuid: UUID };
  const devices = { d1: { serialNumber: 'ABC-1234', uuid: UUID }, d2: { uuid: UUID } };
  expect(claim(agent, devices)).toEqual(device('serial', 'reported'));
});
