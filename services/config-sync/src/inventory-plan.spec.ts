import { describe, expect, it } from '@jest/globals';
import { digestOf, planInventory, type RecordedDevice } from './inventory-plan.js';
import type { Device } from './inventory.js';

const device = (deviceId: string, partial: Partial<Device> = {}): Device => ({
  deviceId,
  state: 'enrolled',
  hardware: {},
  groups: [],
  tags: [],
  ...partial,
});
const recorded = (wanted: Device, enrolled = true, fromFile = true): RecordedDevice => ({
  deviceId: wanted.deviceId,
  enrolled,
  fromFile,
  digest: digestOf(wanted),
});
const fleet = (size: number): Device[] => Array.from({ length: size }, (_, index) => device(`d${index}`));
const fileOf = (...devices: Device[]) => new Map(devices.map((one) => [one.deviceId, one]));

describe('what an inventory asks for', () => {
  it('is what differs from the record: new, changed, returning and gone devices', () => {
    const stored = [
      recorded(device('same')),
      recorded(device('changed')),
      recorded(device('returning'), false),
      recorded(device('gone')),
      recorded(device('long gone'), false),
    ];
    const changed = device('changed', { owner: 'kim@example.com' });
    const file = fileOf(device('same'), changed, device('returning'), device('new'));
    expect(planInventory(file, stored, 0.1)).toEqual({
      ok: true,
      record: [changed, device('returning'), device('new')],
      retire: ['gone'],
    });
  });

  it('leaves the devices of other importers alone, unless it lists them', () => {
    const imported = [device('cmdb-1'), device('cmdb-2')];
    const stored = [recorded(device('own')), ...imported.map((one) => recorded(one, true, false))];
    const taken = device('cmdb-2', { owner: 'kim@example.com' });
    expect(planInventory(fileOf(device('own'), taken), stored, 0.1)).toEqual({ ok: true, record: [taken], retire: [] });
  });

  it.each<[string, number, number, number, boolean]>([
    ['a tenth of ten', 10, 9, 0.1, true],
    ['more than a tenth of ten', 10, 8, 0.1, false],
    ['a tenth of a hundred', 100, 90, 0.1, true],
    ['a little more than a tenth of a hundred', 100, 89, 0.1, false],
    ['any share of fewer than ten', 9, 1, 0.1, true],
    ['all of a few, by an empty file', 3, 0, 0.1, false],
    ['all of many, by an empty file', 100, 0, 0.1, false],
    ['half, where half may go', 100, 50, 0.5, true],
    ['all, where all may go', 100, 0, 1, true],
    ['one, where none may go', 10, 9, 0, false],
    ['none, by an empty file', 0, 0, 0.1, true],
  ])('may retire %s: from %i to %i devices at %d', (_, before, after, limit, allowed) => {
    const plan = planInventory(
      fileOf(...fleet(after)),
      fleet(before).map((one) => recorded(one)),
      limit,
    );
    expect(plan.ok && plan.retire.length).toBe(allowed && before - after);
  });

  it('is refused with what to do, and in no part, when too many would retire', () => {
    const plan = planInventory(
      fileOf(device('new')),
      fleet(20).map((one) => recorded(one)),
      0.1,
    );
    expect(plan).toEqual({
      ok: false,
      reason:
        'it would retire 20 of 20 devices at once, more than 10 %: if that is meant, raise STANCE_RETIREMENT_LIMIT for one start',
    });
  });
});

describe('the digest of a device', () => {
  it('does not depend on the order of fields, and does on every value', () => {
    const { groups, ...rest } = device('a', { groups: ['x'], hardware: { serialNumber: 's', hostname: 'h' } });
    const reordered: Device = { groups, ...rest, hardware: { hostname: 'h', serialNumber: 's' } };
    expect(digestOf(reordered)).toBe(digestOf({ ...rest, groups }));
    expect(digestOf({ ...reordered, groups: ['y'] })).not.toBe(digestOf(reordered));
    expect(digestOf({ ...reordered, hardware: { hostname: 's', serialNumber: 'h' } })).not.toBe(digestOf(reordered));
  });
});
