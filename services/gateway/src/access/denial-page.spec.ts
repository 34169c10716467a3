import { describe, expect, test } from '@jest/globals';
import type { Denial, Reason } from '@stance/contracts';
import { denialPage } from './denial-page.js';
import { attributeInWords, expectedInWords, kindOf, messageInWords, valueInWords } from './denial-page-words.js';

const unencrypted: Reason = {
  code: 'condition-false',
  message:
    'Ask the help desk on floor 3. sentinelOne:encryptedApplications is false, encrypted needs == true. Turn on disk encryption.',
  attribute: 'sentinelOne:encryptedApplications',
  expected: '== true',
  actual: false,
  reportedAt: '2026-01-05T09:55:10.123456Z',
  observedAt: '2026-01-05T09:55:12Z',
};

const denial: Denial = {
  denialId: '642a4e3b-d5a4-46d3-b886-3ad841c258dd',
  gateway: 'edge',
  effect: 'deny',
  deviceId: 'laptop-1',
  user: 'one@example.com',
  resource: 'wiki',
  reasons: [unencrypted],
  deniedAt: '2026-01-05T10:00:00.000Z',
};

const of = (over: Partial<Denial>): string => denialPage({ ...denial, ...over });
/** What a person reads of a page. */
const textOf = (page: string): string =>
  page
    .replaceAll(/<style>.*?<\/style>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

describe('the page of a denial', () => {
  test('says what was checked, found and wanted, since when, what to do, and the id for IT', () => {
    const text = textOf(denialPage(denial));
    expect(text).toContain('You wanted to reach: wiki');
    expect(text).toContain('Ask the help desk on floor 3. Turn on disk encryption.');
    expect(text).toMatch(
      /Check Encrypted applications sentinelOne:encryptedApplications Found no Wanted yes Known since 5 January 2026 at 09:55:10 UTC/,
    );
    expect(text).toContain('What to do now Do what it says above for each check.');
    expect(text).toMatch(/Reference for IT .* 642a4e3b-d5a4-46d3-b886-3ad841c258dd .*5 January 2026 at 10:00:00 UTC/);
    expect(text).toMatch(/Gateway edge Device laptop-1 User one@example.com/);
  });

  test('says of a deny rule what is not allowed', () => {
    const reasons: Reason[] = [
      {
        ...unencrypted,
        code: 'deny-rule',
        message: 'The rule denies this device.',
        expected: "== 'windows'",
        actual: 'windows',
      },
    ];
    expect(textOf(of({ reasons }))).toContain('Found windows Not allowed windows');
  });

  test.each<[string, Partial<Denial>, string]>([
    [
      'a device that is not proved',
      { reasons: [{ code: 'identity-missing', message: 'No device.' }] },
      'could not be recognised',
    ],
    [
      'an identity that is refused',
      { reasons: [{ code: 'identity-forged', message: 'It came twice.' }] },
      'was refused',
    ],
    ['an engine that is silent', { reasons: [{ code: 'engine-silent', message: 'Not heard.' }] }, 'done nothing wrong'],
    ['a resource that nobody opened', { reasons: [{ code: 'no-rule', message: 'No rule.' }] }, 'ask IT'],
    ['a warning', { effect: 'warn', until: '2026-01-07T10:00:00.000Z' }, 'Access ends: 7 January 2026 at 10:00:00 UTC'],
    ['a reason of which nothing is known yet', { reasons: [] }, 'may not be used here'],
  ])('is another one for %s', (_, over, said) => {
    expect(textOf(of(over))).toContain(said);
  });

  test('can be read by assistive technology: a language, a title, one main part, one first heading, named sections', () => {
    const page = denialPage(denial);
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).toMatch(/<title>[^<]+<\/title>/);
    expect(page.match(/<main /g)).toHaveLength(1);
    expect(page.match(/<h1 /g)).toHaveLength(1);
    const names = [...page.matchAll(/aria-labelledby="([^"]+)"/g)].map(([, name]) => name);
    expect(names).toEqual(['title', 'why', 'next', 'reference']);
    for (const name of names) expect(page).toContain(`id="${name}"`);
  });

  test('runs and shows nothing that came from outside, whatever it is in', () => {
    const evil = `"'><img src=x onerror=alert(1)>&amp;\u202e\u0000`;
    const page = of({
      gateway: evil,
      deviceId: evil,
      user: evil,
      resource: evil,
      denialId: evil,
      deniedAt: evil,
      until: evil,
      reasons: [
        { code: 'condition-false', message: evil, attribute: evil, expected: evil, actual: [evil], reportedAt: evil },
      ],
    });
    for (const raw of ['<img', '\u202e', '\u0000']) expect(page).not.toContain(raw);
    expect(
      page.match(/&quot;&#39;&gt;&lt;img src=x onerror=alert\(1\)&gt;&amp;amp;\uFFFD\uFFFD/g)?.length,
    ).toBeGreaterThan(9);
    const tags = new Set([...page.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag));
    for (const tag of ['script', 'img', 'link', 'iframe', 'form', 'a', 'object']) expect(tags).not.toContain(tag);
    expect(page.replaceAll(/&[a-z#0-9]+;/g, '')).not.toMatch(/(src|href|url\()\s*=?["']/);
  });

  test('stays small, however much there is to say', () => {
    const reasons = Array.from({ length: 500 }, (_, at) => ({
      ...unencrypted,
      message: `${at} ${'x'.repeat(100_000)}`,
    }));
    const page = of({ reasons });
    expect(page.length).toBeLessThan(100_000);
    expect(textOf(page)).toContain('And 480 more.');
  });
});

describe('in plain words', () => {
  test.each([
    ['sentinelOne:infected', 'Infected'],
    ['sentinelOne:encryptedApplications', 'Encrypted applications'],
    ['osVersion', 'Os version'],
  ])('%s is %s', (attribute, words) => expect(attributeInWords(attribute)).toBe(words));

  test.each([
    ['== true', 'yes'],
    ['== false', 'no'],
    ['!= "guest"', 'anything but guest'],
    ['>= 24.2', 'at least 24.2'],
    ['< 3', 'less than 3'],
    ["IN ['protect', 'detect']", 'one of protect, detect'],
    ['NOT IN [a]', 'none of a'],
    ['IS SET', 'any value'],
    ['CONTAINS vpn', 'something with vpn'],
    ['a device of staff', 'a device of staff'],
  ])('%s is %s', (expected, words) => expect(expectedInWords(expected)).toBe(words));

  test.each([
    [true, 'yes'],
    [0, '0'],
    ['', 'nothing'],
    [['a', 'b'], 'a, b'],
    [[], 'none'],
    [undefined, 'nothing is known'],
  ])('%j is %s', (value, words) => expect(valueInWords(value)).toBe(words));

  test('a message that says nothing but the check stays as it is', () => {
    const message = 'sentinelOne:encryptedApplications is false, encrypted needs == true.';
    expect(messageInWords({ ...unencrypted, message })).toBe(message);
    expect(messageInWords({ code: 'no-rule', message: '' })).toBe('no-rule');
  });

  test('what a page is about follows from its first reason', () => {
    expect(kindOf({ effect: 'deny', reasons: [unencrypted, { code: 'engine-silent', message: '' }] })).toBe('failed');
  });
});
