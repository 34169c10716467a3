import { describe, expect, it } from '@jest/globals';
import { hostileInEachPlace } from '@stance/testing';
import { MAX_YAML_BYTES } from './yaml-rows.js';
import { parseInventory } from './inventory.js';

const laptop = {
  deviceId: 'laptop-1',
  state: 'enrolled',
  network: 'office',
  hardware: {
    serialNumber: '0012345',
    macAddresses: ['00:1b:44:11:3a:b7', '00:1b:44:11:3a:b8'],
    hostname: 'kims-mac',
    uuid: '4C4C4544-0051',
    externalId: '77',
  },
  identities: {
    certificateSha256: ['ab'.repeat(32)],
    certificateSan: ['laptop-1.example.com'],
    addresses: ['10.0.0.7', '2001:db8::7'],
  },
  owner: 'kim@example.com',
  groups: ['engineering', 'staff'],
  tags: ['managed'],
  os: 'macos',
};
const phone = { deviceId: 'phone 2', state: 'enrolled', hardware: {}, groups: [], tags: [] };

const yaml = `# the office
devices:
  - deviceId: laptop-1
    serialNumber: 0012345
    macAddresses: [00-1B-44-11-3A-B8, 00:1b:44:11:3a:b7]
    hostname: kims-mac
    uuid: 4C4C4544-0051
    externalId: 77
    network: office
    owner: kim@example.com
    groups:
      - staff
      - engineering
      - staff
    tags: [managed]
    os: macos
    certificateSha256: ["${'AB:'.repeat(32).slice(0, -1)}"]
    certificateSan: [laptop-1.example.com]
    addresses: [10.0.0.7, "2001:db8::7"]
  - deviceId: phone 2
    serialNumber:
    owner: ~
`;
const json = JSON.stringify(
  {
    devices: [
      {
        ...laptop.hardware,
        ...laptop.identities,
        deviceId: 'laptop-1',
        serialNumber: '  0012345 ',
        network: 'office',
        owner: 'kim@example.com',
        groups: ['staff', 'engineering'],
        tags: ['managed'],
        os: 'macos',
      },
      { deviceId: 'phone 2', owner: null },
    ],
  },
  undefined,
  2,
);
const csv = `\uFEFFdeviceId,serialNumber,macAddresses,hostname,uuid,externalId,network,owner,groups,tags,os,certificateSha256,certificateSan,addresses
laptop-1, 0012345 ,00:1b:44:11:3a:b7; 00:1b:44:11:3a:b8,kims-mac,4C4C4544-0051,77,office,kim@example.com,staff;engineering,managed,macos,${'ab'.repeat(32)},laptop-1.example.com,10.0.0.7;2001:db8::7

"phone 2",,,,,,,,,,,,,
`;

/** What is wrong with a file, as \`line: message\`. */
async function problems(fileName: string, text: string): Promise<string[]> {
  const parsed = await parseInventory(fileName, text);
  return parsed.ok ? [] : parsed.problems.map(({ line, message }) => `${line}: ${message}`);
}

describe('an inventory file', () => {
  it.each([
    ['devices.yaml', yaml],
    ['devices.YML', yaml],
    ['devices.json', json],
    ['devices.csv', csv],
    ['devices.csv', csv.replaceAll('\n', '\r\n')],
    ['devices.json', JSON.stringify((JSON.parse(json) as { devices: unknown }).devices)],
    ['devices.yaml', json],
  ])('holds the same devices in every format: %s', async (fileName, text) => {
    const parsed = await parseInventory(fileName, text);
    expect(parsed.ok ? [...parsed.devices.values()] : parsed.problems).toEqual([laptop, phone]);
  });

  it.each([
    ['devices.yaml', 'devices: []'],
    ['devices.json', '{"devices":[]}'],
    ['devices.csv', 'deviceId,owner\n'],
  ])('may hold no device: %s', async (fileName, text) => {
    expect(await parseInventory(fileName, text)).toEqual({ ok: true, devices: new Map() });
  });

  it('is refused naming every error and its line: YAML', async () => {
    const text = `devices:
  - deviceId: a
    onwer: kim@example.com
    owner: kim
    macAddresses: [00:1b:44:11:3a:b7, nonsense]
  - serialNumber: 1
  - deviceId: a
    groups: staff
  - deviceId: a
    hardware:
      serialNumber: 1
    serialNumber: {a: 1}
  - just text
  - deviceId: b
  - deviceId: b
version: 1
`;
    expect(await problems('devices.yaml', text)).toEqual([
      expect.stringMatching(/^3: unknown field `onwer`: the fields are deviceId, serialNumber/),
      '4: `owner` is not an e-mail address',
      '5: `macAddresses` value 2 is not a MAC address, such as 00:1b:44:11:3a:b7',
      '6: there is no `deviceId`',
      '8: `groups` must be a list',
      expect.stringMatching(/^10: unknown field `hardware`/),
      '12: `serialNumber` must be text, in quotes',
      expect.stringMatching(/^13: a device is a set of fields/),
      '15: device `b` is there twice, first on line 14',
      expect.stringMatching(/^16: unknown field `version`/),
    ]);
  });

  it('is refused naming every error and its line: JSON', async () => {
    const text = `{
\t"devices": [
\t\t{ "deviceId": "a, \\"]",
\t\t  "serialNumber": 12345 },
\t\t{ "owner": "kim" },
\t\t7,
\t\t{
\t\t  "deviceId": "b",
\t\t  "addresses": ["10.0.0.300"],
\t\t  "name": "x"
\t\t}
\t],
\t"extra": [{}]
}`;
    expect(await problems('devices.json', text)).toEqual([
      '4: `serialNumber` must be text, in quotes',
      '5: there is no `deviceId`',
      '5: `owner` is not an e-mail address',
      '6: a device is an object of fields',
      '9: `addresses` value 1 is not an IP address',
      expect.stringMatching(/^10: unknown field `name`/),
      expect.stringMatching(/^13: unknown field `extra`/),
    ]);
  });

  it('is refused naming every error and its line: CSV', async () => {
    const text = `deviceId,owner,groups
a,kim,staff
b,sam@example.com,staff,extra
,sam@example.com,

a,sam@example.com,
c,sam@example.com,
c,sam@example.com,
`;
    expect(await problems('devices.csv', text)).toEqual([
      '2: `owner` is not an e-mail address',
      '3: 4 cells, but the header has 3',
      '4: there is no `deviceId`',
      '8: device `c` is there twice, first on line 7',
    ]);
  });

  it.each([
    ['devices.yaml', '', /^1: the file is empty/],
    ['devices.json', ' \n', /^1: the file is empty/],
    ['devices.csv', '\n', /^1: the file is empty/],
    ['devices.yaml', 'devices:\n  - deviceId: "a\n', /^\d: .*quote/],
    ['devices.yaml', 'devices:\n  - deviceId: a\n    deviceId: b\n', /^3: .*unique/],
    ['devices.yaml', 'deviceId: a', /^1: expected `devices:`/],
    ['devices.yaml', '- deviceId: a\n---\n- deviceId: b\n', /^\d: /],
    ['devices.yaml', `devices:\n${'# a comment\n'.repeat(MAX_YAML_BYTES / 12)}`, /at most 1 MiB/],
    ['devices.json', '{"devices":[\n{"deviceId":"a"},\n{"devi', /^3: not JSON/],
    ['devices.json', '{"devices":[\n{"deviceId":"a",}\n]}', /^2: not JSON/],
    ['devices.json', '"devices"', /^1: expected `devices:`/],
    ['devices.csv', 'deviceId,onwer\na,b\n', /^1: unknown column `onwer`: the columns are deviceId/],
    ['devices.csv', 'owner\nkim@example.com\n', /^1: there is no column `deviceId`/],
    ['devices.csv', 'deviceId,deviceId\na,b\n', /^1: column `deviceId` is there twice/],
    ['devices.csv', 'deviceId\n"a\n', /^\d: /],
    ['devices.json', `[{"deviceId":"${'é'.repeat(80)}"}]`, /^1: `deviceId` is too long for an id/],
    ['devices.json', '[{"deviceId":" "}]', /^1: `deviceId` must not be empty/],
  ])('is refused when it is not one: %s %j', async (fileName, text, expected) => {
    const [first] = await problems(fileName, text);
    expect(first).toMatch(expected);
  });

  it('is refused, whatever stands in place of a text or a list', async () => {
    const { deviceId, hardware, identities, owner, groups, tags, os, network } = laptop;
    const device = { deviceId, ...hardware, ...identities, owner, groups, tags, os, network };
    for (const hostile of hostileInEachPlace([device])) {
      expect(await problems('devices.json', JSON.stringify(hostile))).not.toEqual([]);
    }
  });

  it('lets other work go on while a large one is checked', async () => {
    const text = JSON.stringify(Array.from({ length: 3_000 }, (_, index) => ({ deviceId: `d${index}` })));
    let turns = 0;
    const count = () => {
      turns += 1;
      running = setImmediate(count);
    };
    let running = setImmediate(count);
    const parsed = await parseInventory('devices.json', text);
    clearImmediate(running);
    expect(parsed.ok && parsed.devices.size).toBe(3_000);
    expect(turns).toBeGreaterThan(3);
  });

  it('is reported with at most 100 errors', async () => {
    const text = JSON.stringify(Array.from({ length: 300 }, () => ({})));
    expect(await problems('devices.json', text)).toHaveLength(100);
  });
});
