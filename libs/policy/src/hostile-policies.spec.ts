import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MAX_POLICY_CHARACTERS } from '@stance/contracts';
import { propertyRuns } from '@stance/testing';
import * as fc from 'fast-check';
import { parsePolicy, type PolicyError } from './index.js';

/** Many times what the slowest document takes on an idle machine. */
const DEADLINE_MS = 50_000;
/** Of which the longest document that is taken needs a third. */
const HEAP_MB = 512;

interface WorkerOutcome {
  readonly errors: readonly PolicyError[];
  /** Tests of the policy that passed; undefined for one that is refused. */
  readonly passed?: number;
}

let worker: Worker;

beforeAll(() => {
  worker = new Worker(new URL('./spec/policy-worker.mjs', import.meta.url), {
    execArgv: ['--conditions=@stance/source', '--no-warnings'],
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
  });
});
afterAll(() => worker.terminate());

/** What becomes of a document; fails where the worker runs out of memory, throws, or is not done in time. */
async function outcomeOf(text: string): Promise<WorkerOutcome> {
  const answer = once(worker, 'message', { signal: AbortSignal.timeout(DEADLINE_MS) });
  worker.postMessage(text, []);
  const [outcome]: WorkerOutcome[] = await answer;
  if (outcome === undefined) throw new Error('the worker answered nothing');
  return outcome;
}

/** Every error says something short, at a place that the text has. */
function expectUsable(errors: readonly PolicyError[], text: string): void {
  const lines = text.split('\n');
  expect(errors.length).toBeLessThanOrEqual(100);
  for (const { message, line, column, path } of errors) {
    expect(message).not.toBe('');
    expect(message.length).toBeLessThan(1000);
    expect(path.length).toBeLessThan(1000);
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
  }
}

const VERSION = 'version: 1\n';
const WIKI = `${VERSION}gateways: { edge: { resources: [wiki] } }\n`;

type Piece = string | ((index: number) => string);

/** An eighth of what a policy may have, as most kinds cost the same per character; those that did not once are `full`. */
const LONG = MAX_POLICY_CHARACTERS / 8;

/** As many pieces as there is room for. */
function filled(head: string, piece: Piece, tail = '', most = LONG): string {
  const pieces = [head];
  let room = most - head.length - tail.length;
  for (let index = 0; ; index++) {
    const next = typeof piece === 'string' ? piece : piece(index);
    if (next.length > room) return pieces.join('') + tail;
    room -= next.length;
    pieces.push(next);
  }
}

/** As many pieces as a policy has room for. */
const full = (head: string, piece: Piece, tail = ''): string => filled(head, piece, tail, MAX_POLICY_CHARACTERS);

const list = (piece: Piece, head = `${VERSION}rules: [`): string => filled(head, piece, ']');
const numbered = (count: number, piece: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => piece(index)).join('');

/** So many durations, from one on. */
const ages = (count: number, first: number): string =>
  Array.from({ length: count }, (_, index) => `${first + index + 1}s`).join(',');

/** Each level holds the one before nine times over. */
const laughs = (levels: number): string =>
  numbered(levels, (level) => {
    const entry = level === 0 ? 'x' : `*l${level - 1}`;
    return `l${level}: &l${level} [${Array(9).fill(entry).join(', ')}]\n`;
  });

describe('a hostile policy is refused in bounded time and memory', () => {
  const refused: Record<string, [string, string][]> = {
    'by its length': [
      ['a character too many', `${'a'.repeat(MAX_POLICY_CHARACTERS)}b`],
      ['a million rules', `${WIKI}rules:\n${'- {name: a}\n'.repeat(1_000_000)}`],
    ],
    'by its depth': [
      ['brackets in brackets', full('', '[')],
      ['braces in braces', filled('', '{a: ')],
      ['brackets and braces in turns', filled('', '[{a: ')],
      ['brackets that go on after words at the margin', filled('', '[\nx,')],
      ['brackets over lines', filled('', '[\n ')],
      ['lists in lists on a line', filled('', '- ')],
      ['lists in lists with tags', filled('', '- !a ')],
      ['lists in lists with anchors', filled('', '- &a ')],
      ['keys that are keys', filled('', '? ')],
      ['values of values', filled('', ': ')],
      ['keys in keys by indentation', numbered(700, (depth) => `${' '.repeat(depth)}a:\n`)],
      ['lists in lists by indentation', numbered(700, (depth) => `${' '.repeat(depth)}-\n`)],
      ['lists in keys by indentation', numbered(250, (depth) => `${' '.repeat(depth)}- a:\n`)],
      ['aliases in aliases', `${VERSION}a0: &a0 [x]\n${numbered(5000, (n) => `a${n + 1}: &a${n + 1} [*a${n}]\n`)}`],
    ],
    'by its aliases': [
      ['a billion laughs', `${VERSION}${laughs(10)}`],
      ['more laughs than a number can count', `${VERSION}${laughs(400)}`],
      ['a list in itself', `${VERSION}rules: &a [*a]`],
      ['a list in itself, often', list('*a,', `${VERSION}rules: &a [`)],
      ['a mapping in itself', `${VERSION}postures: &a { b: *a }`],
      ['a rule that requires itself', `${WIKI}rules:\n  - &r { name: a, resources: [wiki], require: [*r] }`],
      ['two that hold each other', `${VERSION}postures: &a { b: &b { c: *a }, d: *b }`],
      ['aliases of nothing', list((index) => `*${index},`)],
      ['an alias for every anchor', full(`${VERSION}rules: [`, (index) => `&${index} b,*${index},`, ']')],
      ['one rule, by thousands of aliases', list('*r,', `${WIKI}rules: [&r {name: a,resources: [wiki]},`)],
      [
        'a long list many times',
        `${VERSION}postures:\n  a: &a [${'1,'.repeat(50_000)}]\n${numbered(1000, (n) => `  b${n}: *a\n`)}`,
      ],
    ],
    'by its keys': [
      ['the same key over and over', filled(`${VERSION}postures: {`, 'a,', '}')],
      ['a hundred thousand keys', full(VERSION, (index) => `k${index}:\n`)],
      ['thousands of postures', filled(`${VERSION}postures: {`, (index) => `k${index}: 1,`, '}')],
      ['a rule of thousands of fields', list((index) => `k${index}: 1,`, `${VERSION}rules: [{`).replace(/\]$/, '}]')],
      ['keys of objects', `${VERSION}postures:\n  __proto__: [a]\n  constructor: [b]\n  toString: [c]\n`],
      ['__proto__ in JSON', '{"version": 1, "__proto__": {"rules": []}}'],
      ['constructor as a field', `${VERSION}constructor: { prototype: { version: 1 } }`],
      ['numbers as keys', `${VERSION}postures: { 1: [a] }`],
      ['lists as keys', `${VERSION}postures: { [a]: [b] }`],
      ['nothing as a key', `${VERSION}postures: { ~: [b] }`],
      ['keys to merge', filled(`${VERSION}postures: {`, '<<: a,', '}')],
      ['a long key', `${VERSION}${'k'.repeat(1000)}: 1`],
      ['a key of nearly all', `${VERSION}? ${'k'.repeat(MAX_POLICY_CHARACTERS - 100)}\n: 1`],
    ],
    'by its lists': [
      ['thousands of empty rules', list('{},')],
      ['thousands of numbers as rules', list('1,')],
      ['thousands of rules of one name', list('{name: a},', `${WIKI}rules: [`)],
      ['lists as rules', list('[a],')],
      ['lists in lists as rules', list(`${'['.repeat(29)}${']'.repeat(29)},`)],
      ['empty entries in lines', filled(`${VERSION}rules:\n`, '-\n')],
      ['thousands of conditions', filled(`${VERSION}postures:\n a:\n`, ' - a\n')],
      ['thousands of good conditions', filled(`${VERSION}postures:\n a:\n`, ' - stance:agents > 1\n')],
      ['thousands of postures with bad conditions', filled(`${VERSION}postures:\n`, (index) => ` p${index}: [b:c]\n`)],
      ['ten thousand tests', full(`${WIKI}tests:\n`, (index) => `- {name: t${index},expect: {wiki: deny}}\n`)],
      [
        'thousands of tests of nothing',
        filled(`${WIKI}tests:\n`, (index) => `- {name: t${index},expect: {w: deny}}\n`),
      ],
      [
        'thousands of rules that require what is not there',
        `${VERSION}postures:\n${numbered(1990, (n) => ` p${String(n).padEnd(79, 'q')}: [stance:agents > 1]\n`)}` +
          `rules:\n${numbered(3500, (n) => `- {name: r${n},resources: ['*'],require: [p${String(n).padEnd(70, 'z')}]}\n`)}`,
      ],
    ],
    'by what it multiplies to': [
      [
        'a thousand rules about every one of two thousand resources',
        `${VERSION}gateways:\n${numbered(2, (gateway) => ` g${gateway}x: {resources: [${numbered(1000, (n) => `r${gateway}x${n}x,`)}]}\n`)}` +
          `rules:\n${numbered(1000, (n) => `- {name: r${n}x,resources: ['*']}\n`)}`,
      ],
      [
        'five hundred conditions under a maxAge for each of a thousand rules',
        `${WIKI}postures: { a: [${'stance:agents > 1,'.repeat(500)}] }\n` +
          `rules:\n${numbered(1000, (n) => `- {name: r${n}x,resources: [wiki],require: [a],maxAge: ${n + 1}s}\n`)}`,
      ],
      [
        'eight thousand ages in a posture with grace',
        `${WIKI}postures:\n a:\n${numbered(20, (n) => `  - stance:lastSeenAge NOT IN [${ages(400, n * 400)}]\n`)}` +
          'rules: [{name: r,resources: [wiki],require: [{posture: a,grace: 1h}]}]',
      ],
      [
        'a thousand ages in a posture to which five thousand rules give a grace',
        `${WIKI}postures:\n a:\n${numbered(2, (n) => `  - stance:lastSeenAge NOT IN [${ages(500, n * 500)}]\n`)}` +
          `rules:\n- {name: r,resources: [wiki],require: &a [{posture: a,grace: 1h}]}\n` +
          numbered(4999, (n) => `- {name: r${n}x,resources: [wiki],require: *a}\n`),
      ],
      [
        'as many values in lists as there is room for, under two thousand maxAges',
        `${WIKI}postures:\n a:\n${numbered(100, () => `  - stance:agents IN [${'1,'.repeat(1000)}1]\n`)}` +
          `rules:\n${numbered(2000, (n) => `- {name: r${n}x,resources: [wiki],require: [a],maxAge: ${n + 1}s}\n`)}`,
      ],
      [
        'three thousand tests from passing of five thousand rules',
        `${WIKI}postures: { a: [stance:agents > 1] }\nrules:\n- {name: r,resources: [wiki],require: &a [a]}\n` +
          numbered(4999, (n) => `- {name: r${n}x,resources: [wiki],require: *a}\n`) +
          `tests:\n- {name: t,from: passing,expect: &e {wiki: deny}}\n` +
          numbered(2999, (n) => `- {name: t${n}x,from: passing,expect: *e}\n`),
      ],
    ],
    'by its characters': [
      ['unclosed brackets', list('@,')],
      ['closing brackets alone', filled('', ']')],
      ['closing brackets on lines', filled(`${VERSION}rules: `, ']\n')],
      ['commas', list(',')],
      ['colons', list(': ')],
      ['question marks', list('?,')],
      ['what YAML reserves', filled(VERSION, '@\n')],
      ['tabs for indentation', filled(`${VERSION}rules:\n`, '\t- a\n')],
      ['tags', filled(`${VERSION}rules: `, '!a ')],
      ['exclamation marks', filled(`${VERSION}rules: `, '!')],
      ['a tag that would run code', "version: !!js/function 'function () { return 1 }'"],
      ['a tag that would load code', "version: !!python/object/apply:os.system ['true']"],
      [
        'tags of binary data, sets and times',
        `${VERSION}rules: !!binary aGk=\npostures: !!set {a}\ntests: !!timestamp 2026-01-01`,
      ],
      ['anchors on anchors', filled(`${VERSION}rules: `, '&a ')],
      ['directives', filled('', '%A\n')],
      ['documents', filled('', '---\n')],
      ['two documents', '---\nversion: 1\n---\nversion: 1\n'],
      ['a second document after an end', 'version: 1\n...\nversion: 1\n'],
      ['lines after what ends no document', 'version: 1\n]...\nversion: 1\n]...\nversion: 1'],
      ['quotes in lines', filled('version: ', "'a'\n")],
      ['an unclosed quote', filled('version: "', 'a')],
      ['escapes that there are not', filled('version: "', '\\q', '"')],
      ['a long text in quotes', filled('version: "', '\\u0041', '"')],
      ['a long text over lines', filled('version: ', 'a\n\n ')],
      ['a long folded text', filled('version: >\n ', ' a\n\n  ')],
      ['blank lines in a text', filled('version: |\n a', '\n')],
      ['lines that move in', numbered(1000, (width) => `${' '.repeat(width)}\n`)],
      ['marks of byte order', filled('', '\uFEFF')],
      ['NUL', filled('', '\0')],
      ['halves of surrogate pairs', filled('', '\uD800')],
      ['carriage returns', filled('', '\r')],
      ['a number of half a million digits', full('version: ', '1')],
      ['an exponent of half a million digits', full('version: 1e', '1')],
    ],
  };

  describe.each(Object.entries(refused))('%s', (_, documents) => {
    test.each(documents)('%s', async (_name, text) => {
      const { errors } = await outcomeOf(text);
      expect(errors).not.toEqual([]);
      expectUsable(errors, text);
    });
  });

  test('by the values of its conditions, whatever patterns would do to them', async () => {
    const long = 4000;
    const values = [
      `sentinelOne:agentVersion == '${'1.'.repeat(long / 2)}'`,
      `sentinelOne:agentVersion == '${'1'.repeat(long)}'`,
      `sentinelOne:agentVersion == '1-${'a-'.repeat(long / 2)}!'`,
      `sentinelOne:agentVersion == '${'9'.repeat(15)}${`.${'9'.repeat(15)}`.repeat(16)}'`,
      `sentinelOne:osStartTime > '2026-01-01T00:00:00.${'0'.repeat(long)}Z'`,
      `sentinelOne:osStartTime > '${'2026-01-01'.repeat(long / 10)}'`,
      `stance:lastSeenAge < ${'1h'.repeat(long / 2)}`,
      `stance:lastSeenAge < ${'1'.repeat(long)}h`,
      `stance:agents < ${'1'.repeat(long)}`,
      `stance:agents < 1.${'0'.repeat(long)}`,
      `stance:agents IN [${'1,'.repeat(long / 2 - 10)}`,
      `sentinelOne:domain == '${'a'.repeat(long)}`,
      `sentinelOne:domain == ${"''".repeat(long / 2)}`,
      `sentinelOne:domain ${'NOT '.repeat(long / 4)}`,
      `sentinelOne:domain${' '.repeat(long)}`,
      ' '.repeat(long),
      `${'a'.repeat(long)}:b == 1`,
      `sentinelOne:${'a'.repeat(70)} == 1`,
      '='.repeat(long),
      `(a+)+$ == '${'a'.repeat(long)}!'`,
      `sentinelOne:domain == '${'a'.repeat(5000)}'`,
    ];
    const repeated = Array.from({ length: 5 }, () => values).flat();
    const document = { version: 1, postures: { a: repeated }, defaults: { maxAge: '1h'.repeat(50_000) } };
    const text = JSON.stringify(document);
    const { errors } = await outcomeOf(text);
    expect(errors).toHaveLength(100);
    expectUsable(errors, text);
    const [first] = repeated
      .map((value) => JSON.stringify({ version: 1, postures: { a: [value] } }))
      .filter(isAccepted);
    expect(first).toBeUndefined();
  });

  test('by the length of its names', async () => {
    const long = 'n'.repeat(30_000);
    const text = JSON.stringify({
      version: 1,
      postures: { [long]: ['stance:agents > 1'] },
      gateways: { edge: { resources: [long] } },
      rules: [{ name: long, resources: [`${long}x`], require: [`${long}y`], message: long }],
      exceptions: [{ device: long, rule: `${long}z`, waive: [long], until: long, reason: long, approvedBy: long }],
    });
    const { errors } = await outcomeOf(text);
    expect(errors.length).toBeGreaterThan(5);
    expectUsable(errors, text);
  });

  const isAccepted = (text: string): boolean => parsePolicy(text).ok;
});

describe('a large policy is taken in bounded time and memory', () => {
  const rules = numbered(4999, (n) => `- {name: r${n}x,resources: [w],require: *a}\n`);
  const head = `${VERSION}postures: { a: ['sentinelOne:infected == false'] }\ngateways: { e: { resources: [w] } }\nrules:\n- {name: first,resources: [w],require: &a [a]}\n`;

  test.each<[string, string]>([
    ['of comments', filled(VERSION, '#\n')],
    ['of blank lines', full(VERSION, '\n')],
    ['of blanks', filled(VERSION, ' ')],
    ['with lines that end as on Windows', `${WIKI}rules:\n- {name: a, resources: [wiki]}\n`.replaceAll('\n', '\r\n')],
    ['with a mark of byte order before it', `\uFEFF${WIKI}`],
    ['with five thousand rules', head + rules],
    [
      'with long conditions by two hundred thousand aliases',
      `${VERSION}postures:\n a: &a\n${numbered(110, (n) => `  - sentinelOne:domain IN [${"'',".repeat(1000)}'${n}']\n`)}` +
        numbered(1900, (n) => ` b${n}x: *a\n`),
    ],
    [
      'with five thousand rules and four thousand exceptions',
      `${head}${rules}exceptions:\n- {device: d,rule: first,waive: &w [a],until: &u 2027-01-01T00:00:00Z,reason: x,approvedBy: y}\n` +
        numbered(3999, (n) => `- {device: d,rule: r${n}x,waive: *w,until: *u,reason: x,approvedBy: y}\n`),
    ],
  ])('%s', async (_, text) => {
    expect(text.length).toBeLessThanOrEqual(MAX_POLICY_CHARACTERS);
    expect(await outcomeOf(text)).toEqual({ errors: [], passed: 0 });
  });

  test('with four thousand tests of five thousand rules', async () => {
    const tests = numbered(3998, (n) => `- {name: t${n},device: *d,expect: *e}\n`);
    const text = `${head}${rules}tests:\n- {name: a,device: &d {},expect: &e {w: deny}}\n- {name: b,from: passing,expect: {w: allow}}\n${tests}`;
    expect(text.length).toBeLessThanOrEqual(MAX_POLICY_CHARACTERS);
    expect(await outcomeOf(text)).toEqual({ errors: [], passed: 4000 });
  });
});

describe('whatever a policy is', () => {
  const check = (text: string): void => {
    const parsed = parsePolicy(text);
    if (!parsed.ok) expectUsable(parsed.errors, text);
    expect(parsed.ok || parsed.errors.length > 0).toBe(true);
  };

  test('it is no reason to throw, and errors are at places that it has', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...'version: 1|\n|\r\n|  |\t|- |? |: |[|]|{|}|, |"|\'|&a |*a|!!js |!a |%|---\n|...\n|#|>\n|'.split('|'),
        '|\n',
      ),
      fc.constantFrom(
        'rules',
        'postures',
        'sentinelOne:infected == false',
        '__proto__',
        'constructor',
        '~',
        '0x1',
        '.nan',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.constantFrom('\uFEFF', '\0', '\uD800', '\u2028', '\u200B', '\u202E', '\u0430'),
    );
    const soup = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          soup,
          soup.map((text) => VERSION + text),
        ),
        check,
      ),
      { numRuns: propertyRuns(150) },
    );
  });

  test('the same goes for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indentation) =>
        check(JSON.stringify(value, undefined, indentation)),
      ),
      { numRuns: propertyRuns(100) },
    );
  });

  test('and for anything in the place of a part of a good one', () => {
    const good = {
      version: 1,
      mode: 'enforce',
      defaults: { maxAge: '24h', rearm: '1h' },
      postures: {
        healthy: ['sentinelOne:infected == false'],
        recent: { maxAge: '1h', conditions: ['stance:agents > 0'] },
        managed: ['sentinelOne:isActive == true'],
      },
      gateways: {
        edge: { resources: ['wiki'], identity: 'token', enforcement: 'report', hold: { for: '15m', above: '20%' } },
      },
      rules: [
        {
          name: 'a',
          resources: ['wiki'],
          groups: ['g'],
          tags: ['t'],
          owners: ['o'],
          maxAge: '1h',
          message: 'm',
          require: ['healthy', { posture: 'recent', grace: '1h', rearm: '1h' }],
          requireAny: ['managed'],
        },
        { name: 'b', effect: 'deny', mode: 'report', resources: ['*'], when: ['recent'] },
      ],
      exceptions: [
        { device: 'd', rule: 'a', waive: ['healthy'], until: '2027-01-01T00:00:00Z', reason: 'r', approvedBy: 'a' },
      ],
      tests: [
        {
          name: 't',
          from: 'passing',
          at: '2026-01-01T00:00:00Z',
          failingFor: '1h',
          device: { groups: ['g'], attributes: { 'sentinelOne:infected': true } },
          expect: { wiki: 'deny' },
        },
      ],
    };
    expect(parsePolicy(JSON.stringify(good))).toMatchObject({ ok: true });
    const places = placesIn(good);
    expect(places.length).toBeGreaterThan(60);
    const hostile = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\uD800',
        '\u200B',
        '1'.repeat(400),
        '1h'.repeat(200),
        '2026-13-45T99:99:99Z',
        '',
        ' ',
        '*',
        '__proto__',
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), hostile, (place, value) =>
        check(JSON.stringify(replaced(good, place, value))),
      ),
      { numRuns: propertyRuns(150) },
    );
  });
});

type Step = string | number;

function placesIn(value: unknown): Step[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  const entries: [Step, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [[], ...entries.flatMap(([step, inner]) => placesIn(inner).map((place) => [step, ...place]))];
}

function replaced(value: unknown, [step, ...rest]: readonly Step[], by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return value.map((inner, index) => (index === step ? replaced(inner, rest, by) : inner));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === step ? replaced(inner, rest, by) : inner]),
  );
}
