import { describe, expect, test } from '@jest/globals';
import { parsePolicy } from '../parse-policy.js';

interface Names {
  readonly postures?: readonly string[];
  readonly gateways?: readonly string[];
  readonly resources?: readonly string[];
  readonly rules?: readonly string[];
}

function problemsWith({ postures = ['p'], gateways = ['g'], resources = ['r'], rules = [] }: Names): string[] {
  const document = {
    version: 1,
    postures: Object.fromEntries(postures.map((name) => [name, ['stance:agents > 0']])),
    gateways: Object.fromEntries(gateways.map((name) => [name, { resources }])),
    rules: rules.map((name) => ({ name, resources: ['*'] })),
  };
  const parsed = parsePolicy(JSON.stringify(document));
  return parsed.ok ? [] : parsed.errors.map(({ path, message }) => `${path}: ${message}`);
}

describe('a name that deceives is refused', () => {
  test.each<[string, string, string]>([
    ['Cyrillic in Latin', 'раyroll', 'the word раyroll has letters of Latin and Cyrillic; write it in one script'],
    ['Greek in Latin', 'staff and wοrkers', 'the word wοrkers has letters of Latin and Greek; write it in one script'],
    ['Armenian in Latin', 'a-lօan', 'the word lօan has letters of Latin and Armenian; write it in one script'],
    ['Cherokee in Latin', 'ᏚTAFF', 'the word ᏚTAFF has letters of Latin and Cherokee; write it in one script'],
    [
      'Latin in Cyrillic, after a digit',
      'склад2a',
      'the word склад2a has letters of Latin and Cyrillic; write it in one script',
    ],
    ['Hangul with Kana', '한かな', 'the word 한かな has letters of Hiragana and Hangul; write it in one script'],
    ['a zero-width space', 'pay\u200Broll', 'the character U+200B in here cannot be seen; take it out'],
    ['a zero-width joiner', 'pay\u200Droll', 'the character U+200D in here cannot be seen; take it out'],
    ['a soft hyphen', 'pay\u00ADroll', 'the character U+00AD in here cannot be seen; take it out'],
    ['text that runs backwards', 'pay\u202Ellor', 'the character U+202E in here cannot be seen; take it out'],
    ['an isolate', 'pay\u2066roll', 'the character U+2066 in here cannot be seen; take it out'],
    ['a filler letter', 'pay\u3164roll', 'the character U+3164 in here cannot be seen; take it out'],
    ['a blank of Braille', 'pay\u2800roll', 'the character U+2800 in here cannot be seen; take it out'],
    ['a variation', 'payroll\uFE0F', 'the character U+FE0F in here cannot be seen; take it out'],
    ['a tag', 'payroll\u{E0061}', 'the character U+E0061 in here cannot be seen; take it out'],
    ['a control', 'pay\u0008roll', 'the character U+0008 in here cannot be seen; take it out'],
    ['a line end', 'pay\nroll', 'the character U+000A in here cannot be seen; take it out'],
    ['half a pair', 'pay\uD800roll', 'the character U+D800 in here cannot be seen; take it out'],
    ['a private character', 'pay\uE000roll', 'the character U+E000 in here cannot be seen; take it out'],
    ['a blank that does not break', 'pay\u00A0roll', 'the character U+00A0 in here is no plain space; write one'],
    ['accents apart', 'cafe\u0301', 'cafe\u0301 has letters and accents apart (not Unicode NFC); write it as café'],
  ])('for %s', (_, name, message) => {
    expect(problemsWith({ rules: [name] })).toEqual([`rules[0].name: ${message}`]);
  });

  test('wherever a policy gives one', () => {
    const name = 'раyroll';
    const message = `the word ${name} has letters of Latin and Cyrillic; write it in one script`;
    expect(problemsWith({ postures: [name] })).toEqual([`postures.${name}: ${message}`]);
    expect(problemsWith({ gateways: [name] })).toEqual([`gateways.${name}: ${message}`]);
    expect(problemsWith({ resources: [name] })).toEqual([`gateways.g.resources[0]: ${message}`]);
  });

  test('at the place of the character', () => {
    const parsed = parsePolicy(
      'version: 1\ngateways: { edge: { resources: [wiki] } }\nrules:\n  - name: staff раyroll\n    resources: [wiki]\n',
    );
    expect(parsed).toMatchObject({ ok: false, errors: [{ line: 4, column: 17, path: 'rules[0].name' }] });
  });
});

describe('two names that look the same are refused', () => {
  test.each<[string, string, string]>([
    ['but for case', 'wiki', 'Wiki'],
    ['but for case, in Greek', 'ΟΔΟΣ', 'οδος'],
    ['in Latin and Cyrillic', 'coca', 'соса'],
    ['in Latin and Cyrillic, with an accent', 'ëo', 'ёо'],
    ['in Latin and Greek', 'pov', 'ρον'],
    ['in Latin and Armenian', 'hug', 'հսց'],
    ['with a one for an l', 'vault-l', 'vault-1'],
    ['with an I for an l', 'vault', 'vauIt'],
    ['with a nought for an O', 'DBO', 'DB0'],
    ['in another width', 'wiki', 'ｗｉｋｉ'],
    ['in another style', 'wiki', '𝐰𝐢𝐤𝐢'],
    ['with a ligature', 'office', 'oﬃce'],
  ])('%s', (_, first, second) => {
    const message = `${second} looks like ${first}, which is another name here; rename one of them`;
    expect(problemsWith({ resources: [first, second] })).toEqual([`gateways.g.resources[1]: ${message}`]);
    expect(problemsWith({ postures: [first, second] })).toEqual([`postures.${second}: ${message}`]);
    expect(problemsWith({ rules: [first, second] })).toEqual([`rules[1].name: ${message}`]);
    expect(problemsWith({ gateways: [first, second] })).toEqual([`gateways.${second}: ${message}`]);
  });

  test('with more or less blank between the words', () =>
    expect(problemsWith({ rules: ['staff reach it', 'staff  reach it'] })).toHaveLength(1));

  test('across gateways, as names of resources hold for all', () => {
    const parsed = parsePolicy('version: 1\ngateways:\n  a: { resources: [wiki] }\n  b: { resources: [Wiki] }\n');
    expect(parsed).toMatchObject({ ok: false, errors: [{ line: 4, column: 20, path: 'gateways.b.resources[0]' }] });
  });
});

describe('a name is good', () => {
  test.each([
    'payroll',
    'зарплата',
    'μισθοδοσία',
    '급여-系統',
    'データ処理board',
    '給與ㄅㄆ',
    'Straße',
    'café',
    'رواتب',
    'משכורת',
    'वेतन',
    'เงินเดือน',
    'склад / warehouse',
    'Ω-lab',
    'R2',
    'stock ⚠️ keep out',
    '№5',
    'ᎠᏓ',
  ])('%s', (name) => expect(problemsWith({ rules: [name] })).toEqual([]));

  test('that something of another kind has', () =>
    expect(problemsWith({ postures: ['wiki'], gateways: ['Wiki'], resources: ['WIKI'], rules: ['wiki'] })).toEqual([]));

  test('that another gateway serves too', () => {
    expect(problemsWith({ gateways: ['a', 'b'], resources: ['wiki'] })).toEqual([]);
  });

  test.each([
    ['wiki', 'wikis'],
    ['modern', 'modem'],
    ['db0', 'dbo'],
    ['café', 'cafe'],
    ['s2', 'sz'],
  ])('that differs to the eye: %s and %s', (first, second) =>
    expect(problemsWith({ resources: [first, second] })).toEqual([]),
  );
});
