import { describe, expect, it } from '@jest/globals';
import { normaliseMac, readHardware } from './hardware.js';

describe('MAC addresses', () => {
  it.each([
    ['06:35:e6:62:53:2e', '06:35:e6:62:53:2e'],
    ['06:35:E6:62:53:2E', '06:35:e6:62:53:2e'],
    ['00-00-5E-00-53-00', '00:00:5e:00:53:00'],
    [' 0000.5e00.5300 ', '00:00:5e:00:53:00'],
    ['00005E005300', '00:00:5e:00:53:00'],
  ])('%s is %s', (text, mac) => {
    expect(normaliseMac(text)).toBe(mac);
  });

  it.each([
    '00:00:00:00:00:00',
    '000000000000',
    'ff:ff:ff:ff:ff:ff',
    '00:25:96:ff:fe:12:34:56',
    '06:35:e6:62:53',
    '06:35-e6:62-53:2e',
    '06:35:e6:62:53:2g',
    '',
    'None',
    null,
    undefined,
    63562532,
    {},
  ])('%j is none that names an interface', (value) => {
    expect(normaliseMac(value)).toBeUndefined();
  });
});

describe('hardware', () => {
  it.each([
    ['absent', {}],
    ['null', { serialNumber: null }],
    ['empty', { serialNumber: '' }],
    ['blank', { serialNumber: '  ' }],
  ])('has no serial number when it is %s', (_, record) => {
    const unreadable: string[] = [];
    expect(readHardware(record, unreadable)).toEqual({});
    expect(unreadable).toEqual([]);
  });

  it('has each address once, sorted', () => {
    const physical = ['0a:00:00:00:00:02', '0A-00-00-00-00-02', '00:00:00:00:00:00', '0a:00:00:00:00:01'];
    const record = { networkInterfaces: physical.map((address) => ({ physical: address })) };
    expect(readHardware(record, [])).toEqual({ macAddresses: ['0a:00:00:00:00:01', '0a:00:00:00:00:02'] });
  });

  it('keeps placeholders for the matcher to judge, without blanks around', () => {
    expect(readHardware({ serialNumber: ' To be filled by O.E.M. ' }, [])).toEqual({
      serialNumber: 'To be filled by O.E.M.',
    });
  });

  it('leaves out and names what is of a wrong type', () => {
    const unreadable: string[] = [];
    const record = {
      serialNumber: { a: 1 },
      computerName: ['x'],
      uuid: true,
      externalId: 4711,
      networkInterfaces: 'eth0',
    };
    expect(readHardware(record, unreadable)).toEqual({ externalId: '4711' });
    expect(unreadable).toEqual(['serialNumber', 'computerName', 'uuid', 'networkInterfaces']);
  });
});
