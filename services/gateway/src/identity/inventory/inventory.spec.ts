import { describe, expect, test } from '@jest/globals';
import { hostileInEachPlace } from '@stance/testing';
import { Inventory, InventoryInvalid } from './inventory.js';

const fingerprint = 'ab'.repeat(32);

function problemsOf(text: string, format: 'yaml' | 'json' = 'yaml'): readonly string[] {
  try {
    Inventory.parse(text, format);
  } catch (error) {
    if (error instanceof InventoryInvalid) return error.problems;
    throw error;
  }
  return [];
}

describe('an inventory', () => {
  test.each<[string, 'yaml' | 'json', string]>([
    [
      'YAML',
      'yaml',
      `
      laptop-1:
        addresses: [10.0.0.1, '2001:DB8::0001']
        certificates: [00123, 12E4, ${fingerprint}]
      007: { addresses: ['::ffff:10.0.0.7'] }
      `,
    ],
    [
      'JSON',
      'json',
      JSON.stringify({
        'laptop-1': { addresses: ['10.0.0.1', '2001:db8::1'], certificates: ['01:23', '12:e4', fingerprint] },
        '007': { addresses: ['10.0.0.7'] },
      }),
    ],
  ])('in %s says whose addresses and certificates are, as they are written', (_name, format, text) => {
    const inventory = Inventory.parse(text, format);
    const laptop = { deviceId: 'laptop-1' };
    expect(inventory.ownerOf('address', '10.0.0.1')).toEqual(laptop);
    expect(inventory.ownerOf('address', '2001:db8::1')).toEqual(laptop);
    expect(inventory.ownerOf('serial', '123')).toEqual(laptop);
    expect(inventory.ownerOf('serial', '12E4')).toEqual(laptop);
    expect(inventory.ownerOf('fingerprint', fingerprint.toUpperCase())).toEqual(laptop);
    expect(inventory.ownerOf('address', '10.0.0.7')).toEqual({ deviceId: '007' });
    expect(inventory.ownerOf('address', '10.0.0.9')).toBeUndefined();
    expect(inventory.ownerOf('fingerprint', '123')).toBeUndefined();
    expect(inventory.disputes).toEqual([]);
  });

  test('gives what several devices claim to none, and tells', () => {
    const inventory = Inventory.parse(
      `
      laptop-1: { addresses: [10.0.0.1, 10.0.0.2], certificates: [0a] }
      laptop-2: { addresses: ['::ffff:10.0.0.1'], certificates: [0A] }
      laptop-3: { addresses: [10.0.0.1] }
      `,
      'yaml',
    );
    expect(inventory.ownerOf('address', '10.0.0.1')).toBe('disputed');
    expect(inventory.ownerOf('serial', 'A')).toBe('disputed');
    expect(inventory.ownerOf('address', '10.0.0.2')).toEqual({ deviceId: 'laptop-1' });
    expect(inventory.disputes).toHaveLength(3);
    expect(inventory.disputes[0]).toBe('address 10.0.0.1 is claimed by laptop-1 and laptop-2: it proves neither');
  });

  test('may name the same twice for one device', () => {
    expect(Inventory.parse('laptop-1: { addresses: [10.0.0.1, 10.0.0.1] }', 'yaml').disputes).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['an address that is none', 'laptop-1: { addresses: [10.0.0.0/8] }', 'laptop-1.addresses.0: is no IP address'],
    ['a certificate that is none', 'laptop-1: { certificates: [xyz] }', 'laptop-1.certificates.0'],
    ['a field that does not exist', 'laptop-1: { address: [10.0.0.1] }', 'laptop-1'],
    ['a device twice', 'laptop-1: {}\nlaptop-1: {}', 'unique'],
    ['an alias', 'laptop-1: &a { addresses: [] }\nlaptop-2: *a', 'aliases'],
    ['a list', '- laptop-1', 'the file'],
    ['nothing, as while it is being written', '', 'the file'],
    ['YAML that is none', 'laptop-1: [', 'line'],
  ])('is refused with %s', (_case, text, problem) => {
    expect(problemsOf(text).join()).toContain(problem);
  });

  test('is refused, whatever stands in place of a text or a list', () => {
    const devices = { 'laptop-1': { addresses: ['10.0.0.1'], certificates: ['0a'] } };
    for (const hostile of hostileInEachPlace(devices)) {
      expect(problemsOf(JSON.stringify(hostile), 'json')).not.toEqual([]);
    }
  });

  test('is refused with broken JSON', () => {
    expect(problemsOf('{ "laptop-1": ', 'json')).toHaveLength(1);
  });
});
