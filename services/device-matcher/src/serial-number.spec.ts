import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isPlaceholder, normaliseSerial, PLACEHOLDER_SERIALS, serialKeyOf } from './serial-number.js';

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
    expect(serialKeyOf(serial)).toEqual({ usable: true, key: '5CG0123XYZ' });
  });

  it.each([
    ['a dash inside', '5CG0-123XYZ'],
    ['a full stop inside', '5CG0.123XYZ'],
    ['the letter O for the zero', '5CGO123XYZ'],
    ['a Cyrillic letter that looks Latin', '5СG0123XYZ'],
    ['a Greek letter that looks Latin', '5CG0123XYΖ'],
    ['a leading zero', '05CG0123XYZ'],
  ])('do not include what is another number: %s', (_, serial) => {
    expect(serialKeyOf(serial)).toMatchObject({ usable: true });
    expect(serialKeyOf(serial)).not.toEqual({ usable: true, key: '5CG0123XYZ' });
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
    expect(serialKeyOf(serial)).toEqual({ usable: false, problem: 'no-serial' });
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
    expect(serialKeyOf(serial)).toEqual({ usable: false, problem: 'placeholder-serial' });
  });

  it.each([
    'VMware-56 4d 0c 5a 11 22 33 44-55 66 77 88 99 aa bb cc',
    'NONE1234',
    '00000001',
    'C02X',
    'SYSTEMSERIALNUMBER42',
  ])('is not %s', (serial) => {
    expect(serialKeyOf(serial)).toMatchObject({ usable: true });
  });

  it('is listed as it is compared', () => {
    for (const placeholder of PLACEHOLDER_SERIALS) {
      expect(normaliseSerial(placeholder)).toBe(placeholder);
      expect(isPlaceholder(placeholder)).toBe(true);
    }
  });
});
