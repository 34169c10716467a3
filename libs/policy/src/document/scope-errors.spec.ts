import { describe, expect, test } from '@jest/globals';
import { parsePolicy } from '../parse-policy.js';

interface Fields {
  readonly rule?: object;
  readonly exception?: object;
  readonly device?: object;
}

function problemsWith({ rule = {}, exception = {}, device = {} }: Fields): string[] {
  const given = {
    device: 'laptop',
    rule: 'r',
    waive: ['p'],
    until: '2026-12-24T00:00:00Z',
    reason: 'INC-1',
    approvedBy: 'it@example.com',
  };
  const document = {
    version: 1,
    postures: { p: ['sentinelOne:infected == false'] },
    gateways: { edge: { resources: ['wiki'] } },
    rules: [{ name: 'r', resources: ['*'], require: ['p'], ...rule }],
    exceptions: [{ ...given, ...exception }],
    tests: [{ name: 't', device, expect: { wiki: 'deny' } }],
  };
  const parsed = parsePolicy(JSON.stringify(document));
  return parsed.ok ? [] : parsed.errors.map(({ path, message }) => `${path}: ${message}`);
}

/** Every text for whom something is, in each of which the same is wrong. */
const everywhere = (text: string): Fields => ({
  rule: { groups: [text], tags: ['lab', text], owners: [text] },
  exception: { device: text },
  device: { id: text, owner: text, network: text, os: text, groups: [text], tags: [text] },
});

const PLACES = [
  'rules[0].groups[0]',
  'rules[0].tags[1]',
  'rules[0].owners[0]',
  'exceptions[0].device',
  'tests[0].device.id',
  'tests[0].device.owner',
  'tests[0].device.network',
  'tests[0].device.os',
  'tests[0].device.groups[0]',
  'tests[0].device.tags[0]',
];

describe('for whom a policy is, is refused', () => {
  test.each<[string, string, string]>([
    ['a blank before it', ' staff', 'this begins or ends with a blank, which would have to match; take it out'],
    ['a blank after it', 'staff ', 'this begins or ends with a blank, which would have to match; take it out'],
    ['a zero-width space', 'sta\u200Bff', 'the character U+200B in here cannot be seen; take it out'],
    ['a line end', 'staff\n', 'the character U+000A in here cannot be seen; take it out'],
    ['another blank', 'the\u00A0staff', 'the character U+00A0 in here is no plain space; write one'],
    ['Cyrillic in Latin', 'stаff', 'the word stаff has letters of Latin and Cyrillic; write it in one script'],
  ])('with %s', (_, text, message) => {
    expect(problemsWith(everywhere(text)).toSorted()).toEqual(PLACES.map((path) => `${path}: ${message}`).toSorted());
  });

  test.each(['groups', 'tags', 'owners'])('with a star in %s', (field) => {
    const message = `a * stands for nothing here: leave ${field} out for everybody, or write each in full`;
    for (const text of ['*', 'staff-*', '*@example.com']) {
      expect(problemsWith({ rule: { [field]: ['staff', text] } })).toEqual([`rules[0].${field}[1]: ${message}`]);
    }
  });

  test('with a star for the device of an exception or the groups of a test', () => {
    expect(problemsWith({ exception: { device: '*' }, device: { groups: ['*'], tags: ['*'] } })).toEqual([
      'exceptions[0].device: a * stands for nothing here: an exception is for one device, by its id',
      'tests[0].device.groups[0]: a * stands for nothing here: write the groups of one device',
      'tests[0].device.tags[0]: a * stands for nothing here: write the tags of one device',
    ]);
  });

  test('in a test, with a text that no rule could name', () => {
    const long = 'a'.repeat(321);
    expect(problemsWith({ device: { network: long, os: long, groups: [long], tags: [long] } })).toEqual(
      ['network', 'os', 'groups[0]', 'tags[0]'].map(
        (field) => `tests[0].device.${field}: expected at most 320 characters`,
      ),
    );
  });
});

test.each([
  'staff',
  'people of the office',
  'сотрудники',
  'أمن',
  'ops+oncall@example.com',
  'R&D (Wien)',
  'データ処理board',
])('for whom a policy is may be %s', (text) => expect(problemsWith(everywhere(text))).toEqual([]));
