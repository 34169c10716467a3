import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IdentityReader, normaliseSerial, normaliseUuid, uuidsOfCertificate } from './identity.js';
import { PLACEHOLDER_SERIALS, PLACEHOLDER_UUIDS, SHARED_MAC_ADDRESSES } from './placeholders.js';

const reader = new IdentityReader();
const serialOf = (serialNumber: string | undefined) => {
  const { serial, serialProblem } = reader.identityOf({ ...(serialNumber !== undefined && { serialNumber }) });
  return serial ?? serialProblem;
};
const macsOf = (...macAddresses: string[]) => reader.identityOf({ macAddresses }).macs;

describe('forms of one serial number', () => {
  it.each([
    ['as it is', '5CG0123XYZ'],
    ['in lower case', '5cg0123xyz'],
    ['with blanks around', '  5CG0123XYZ\t'],
    ['with blanks inside', '5CG 0123 XYZ'],
    ['with a no-break space', '5CG\u00a00123XYZ'],
    ['with line ends', '5CG0123XYZ\r\n'],
    ['with a NUL that firmware left', '5CG0123XYZ\0'],
    ['with zero-width characters', '5CG\u200b0123\ufeffXYZ'],
    ['in full-width characters', '５ＣＧ０１２３ＸＹＺ'],
    ['with mathematical letters', '5𝐂𝐆0123XYZ'],
    ['in quotation marks', '"5CG0123XYZ"'],
    ['with a full stop at the end', '5CG0123XYZ.'],
  ])('become equal: %s', (_, serial) => {
    expect(serialOf(serial)).toBe('5CG0123XYZ');
  });

  it.each([
    ['a dash inside', '5CG0-123XYZ'],
    ['a full stop inside', '5CG0.123XYZ'],
    ['the letter O for the zero', '5CGO123XYZ'],
    ['a Cyrillic letter that looks Latin', '5СG0123XYZ'],
    ['a Greek letter that looks Latin', '5CG0123XYΖ'],
    ['a leading zero', '05CG0123XYZ'],
  ])('do not include what is another number: %s', (_, serial) => {
    expect(serialOf(serial)).toBe(normaliseSerial(serial));
    expect(serialOf(serial)).not.toBe('5CG0123XYZ');
  });

  it('are found in one step: normalising again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (serial) => {
        const once = normaliseSerial(serial);
        expect(normaliseSerial(once)).toBe(once);
      }),
    );
  });
});

describe('no serial number', () => {
  it.each([[undefined], [''], ['   '], ['\0\0'], ['"" '], ['...'], ['\u200b']])('is %j', (serial) => {
    expect(serialOf(serial)).toBe('no-serial');
  });
});

describe('a placeholder', () => {
  it.each([
    'To be filled by O.E.M.',
    'TO BE FILLED BY O.E.M',
    'To Be Filled By OEM',
    'to be filled by o.e.m. ',
    'Default string',
    'None',
    'N/A',
    'Not Specified',
    'System Serial Number',
    'SERIALNUMBER',
    '0',
    '00000000',
    '0000-0000-0000',
    'XXXXXXXXXX',
    '----------',
    '-',
    '0123456789',
    '1234567',
    '0123456789ABCDEF',
    'VMware',
    'ＱＥＭＵ',
    'ABC',
  ])('says nothing of the machine: %s', (serial) => {
    expect(serialOf(serial)).toBe('placeholder-serial');
  });

  it.each([
    'VMware-56 4d 0c 5a 11 22 33 44-55 66 77 88 99 aa bb cc',
    'NONE1234',
    '00000001',
    'C02X',
    'SYSTEMSERIALNUMBER42',
  ])('is not %s', (serial) => {
    expect(serialOf(serial)).toBe(normaliseSerial(serial));
  });

  it('is every one that is listed', () => {
    for (const placeholder of PLACEHOLDER_SERIALS)
      expect([placeholder, serialOf(placeholder)]).toEqual([placeholder, 'placeholder-serial']);
  });

  it('is what the installation adds, in any form', () => {
    const { serialProblem } = new IdentityReader({ serials: ['ACME-Default 01'] }).identityOf({
      serialNumber: 'acme-default01',
    });
    expect(serialProblem).toBe('placeholder-serial');
  });
});

describe('a UUID', () => {
  it.each([
    ['4C4C4544-0044-3510-8052-B4C04F4D3132'],
    ['{4c4c4544-0044-3510-8052-b4c04f4d3132}'],
    ['4c4c454400443510 8052b4c04f4d3132'],
  ])('is the same in every form: %s', (uuid) => {
    expect(normaliseUuid(uuid)).toBe('4c4c4544004435108052b4c04f4d3132');
  });

  it.each([
    '',
    'none',
    '00000000-0000-0000-0000-000000000000',
    'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
    ...PLACEHOLDER_UUIDS,
  ])('that says nothing is none: %j', (uuid) => {
    expect(normaliseUuid(uuid)).toBeUndefined();
  });

  it('stands in a certificate alone or as a URN, each once', () => {
    const uuid = '4c4c4544-0044-3510-8052-b4c04f4d3132';
    expect(
      uuidsOfCertificate([`URI:urn:uuid:${uuid}`, `urn:uuid:${uuid.toUpperCase()}`, uuid, 'DNS:laptop.example.org']),
    ).toEqual(['4c4c4544004435108052b4c04f4d3132']);
  });
});

describe('hardware addresses', () => {
  it.each([['3C-22-FB-00-11-22'], ['3c:22:fb:00:11:22'], ['3c22.fb00.1122'], ['3C22FB001122']])(
    'are the same in every form: %s',
    (mac) => {
      expect(macsOf(mac)).toBe('3c22fb001122');
    },
  );

  it('are in order, each once', () => {
    expect(macsOf('3c:22:fb:00:11:22', '00:1b:63:00:00:01', '3C22FB001122')).toBe('001b63000001 3c22fb001122');
  });

  it.each([
    ['all zero', '00:00:00:00:00:00'],
    ['broadcast', 'ff:ff:ff:ff:ff:ff'],
    ['multicast', '01:00:5e:00:00:fb'],
    ['made up by the system', 'da:a1:19:00:11:22'],
    ['eight bytes', '00:11:22:33:44:55:66:77'],
    ['a VPN adapter', '00:05:9A:3C:7A:00'],
    ['a host adapter of VMware', '00:50:56:c0:00:08'],
    ['no address', 'unknown'],
  ])('that are no hardware of the machine do not count: %s', (_, mac) => {
    expect(macsOf(mac)).toBe('');
  });

  it.each(SHARED_MAC_ADDRESSES.map((beginning) => [beginning]))('that begin like %s do not count', (beginning) => {
    const digits = beginning.replaceAll(':', '').padEnd(12, '7');
    expect(macsOf(digits)).toBe('');
  });

  it('of docking stations do not count where the installation says so', () => {
    const own = new IdentityReader({ macAddresses: ['A0-CE-C8'] });
    expect(own.identityOf({ macAddresses: ['a0:ce:c8:01:02:03', '3c:22:fb:00:11:22'] }).macs).toBe('3c22fb001122');
  });
});

describe('a host name', () => {
  it.each([
    ['LAPTOP-7', 'laptop-7'],
    ['laptop-7.corp.example.org', 'laptop-7'],
    [' Laptop-7 ', 'laptop-7'],
    ['localhost.localdomain', undefined],
    ['', undefined],
  ])('%j counts as %j', (hostname, expected) => {
    expect(reader.identityOf({ hostname }).hostname).toBe(expected);
  });
});
