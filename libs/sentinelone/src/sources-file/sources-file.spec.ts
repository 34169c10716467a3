import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hostileInEachPlace } from '@stance/testing';
import { environmentOf, type SourceEntry } from './source-entry.js';
import { readSourcesFile, SourcesFileInvalid } from './sources-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sources-file-'));
  writeFileSync(join(folder, 'office.token'), 'token-of-the-office\n');
  writeFileSync(join(folder, 'lab.token'), 'token-of-the-lab\n');
  writeFileSync(join(folder, 'empty.token'), '\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

function entriesOf(text: string, file = 'sources.yaml'): readonly SourceEntry[] {
  writeFileSync(join(folder, file), text);
  return readSourcesFile(join(folder, file)).entries;
}

/** The problems of a file, each as `line:column: message`. */
function problemsOf(text: string): string[] {
  try {
    entriesOf(text);
  } catch (error) {
    if (!(error instanceof SourcesFileInvalid)) throw error;
    const file = `${join(folder, 'sources.yaml')}:`;
    return error.problems.map((problem) => (problem.startsWith(file) ? problem.slice(file.length) : problem));
  }
  return [];
}

const OFFICE = 'name: office, url: office.sentinelone.net, tokenFile: office.token';

describe('a file of consoles', () => {
  it('in YAML, ids as written although they look like numbers', () => {
    const entries = entriesOf(`
sources:
  - name: office
    url: office.sentinelone.net/web/api/v2.1
    tokenFile: office.token
    siteIds: [1086513476221472121, "0012"]
    pollInterval: 10s
    sweepInterval: 15m
    retirementLimit: 20 %
    freshnessStep: 1h
  - name: lab
    url: HTTPS://lab.sentinelone.net/
    token: given-here
    accountIds:
      - 225494730938493804
    siteIds:
`);
    expect(entries).toEqual([
      {
        name: 'office',
        url: 'https://office.sentinelone.net',
        token: { file: join(folder, 'office.token') },
        siteIds: ['1086513476221472121', '0012'],
        accountIds: [],
        pollInterval: '10s',
        sweepInterval: '15m',
        retirementLimit: 20,
        freshnessStep: '1h',
        place: `${join(folder, 'sources.yaml')}:3`,
      },
      expect.objectContaining({
        name: 'lab',
        url: 'https://lab.sentinelone.net',
        siteIds: [],
        accountIds: ['225494730938493804'],
        place: `${join(folder, 'sources.yaml')}:11`,
      }),
    ]);
  });

  it.each([
    [
      'JSON',
      `{"sources": [{"name": "office", "url": "office.sentinelone.net", "tokenFile": "office.token", "siteIds": [1086513476221472121]}]}`,
    ],
    [
      'JSON, the list alone',
      `[{"name": "office", "url": "office.sentinelone.net", "tokenFile": "office.token", "siteIds": [1086513476221472121]}]`,
    ],
    ['YAML, the list alone', `- {${OFFICE}, siteIds: [1086513476221472121]}`],
  ])('in %s', (_, text) => {
    expect(entriesOf(text, 'sources.json')).toMatchObject([{ name: 'office', siteIds: ['1086513476221472121'] }]);
  });

  it('may name one console twice, with a token each', () => {
    const lab = 'name: lab, url: office.sentinelone.net, tokenFile: lab.token';
    expect(entriesOf(`- {${OFFICE}}\n- {${lab}}`)).toHaveLength(2);
  });

  it('shows no token when it is logged', () => {
    const [entry] = entriesOf('- {name: lab, url: lab.sentinelone.net, token: given-here}');
    expect(`${JSON.stringify(entry)} ${inspect(entry, { depth: 9, showHidden: true })}`).not.toContain('given-here');
  });
});

describe('the environment of one source', () => {
  it('holds its settings, and takes away what belongs to another console', () => {
    const [office, lab] = entriesOf(`
- { ${OFFICE}, siteIds: ["11", "12"], pollInterval: 5s, retirementLimit: 20, freshnessStep: 2h, sweepInterval: 1h }
- { name: lab, url: lab.sentinelone.net, token: given-here, accountIds: ["7"] }
`);
    expect(office && environmentOf(office)).toEqual({
      SENTINELONE_SOURCE: 'office',
      SENTINELONE_URL: 'https://office.sentinelone.net',
      SENTINELONE_API_TOKEN: '',
      SENTINELONE_API_TOKEN_FILE: join(folder, 'office.token'),
      SENTINELONE_SITE_IDS: '11,12',
      SENTINELONE_ACCOUNT_IDS: '',
      SENTINELONE_POLL_INTERVAL: '5s',
      SENTINELONE_SWEEP_INTERVAL: '1h',
      SENTINELONE_RETIREMENT_LIMIT: '20',
      STANCE_FRESHNESS_STEP: '2h',
    });
    expect(lab && environmentOf(lab)).toEqual({
      SENTINELONE_SOURCE: 'lab',
      SENTINELONE_URL: 'https://lab.sentinelone.net',
      SENTINELONE_API_TOKEN: 'given-here',
      SENTINELONE_API_TOKEN_FILE: '',
      SENTINELONE_SITE_IDS: '',
      SENTINELONE_ACCOUNT_IDS: '7',
    });
  });
});

describe('what is wrong with a file', () => {
  it('is told all at once, in the order of the lines', () => {
    expect(
      problemsOf(`sources:
  - name: office
    url: ftp://office
    tokenFile: missing.token
    siteId: ["11"]
  - name: office
    url: lab.sentinelone.net
    pollInterval: 10
    siteIds: eleven
  - 7
polling: fast
`),
    ).toEqual([
      '3:10: The SentinelOne console URL has the scheme ftp, only https can be used. Write it as https://<tenant>.sentinelone.net',
      '5:5: there is no field siteId, did you mean siteIds?',
      '6:5: has neither tokenFile nor token',
      '6:11: another source has this name',
      '8:19: pollInterval has to be a duration such as 10s, 15m or 24h',
      '9:14: siteIds has to be a list of ids, such as ["225494730938493804"]',
      '10:5: expected a console: name, url and tokenFile',
      '11:1: there is no field polling here: expected `sources:` with a list of consoles, each with name, url and tokenFile',
    ]);
  });

  it.each([
    ['nothing', '', /^1:1: expected `sources:`/],
    ['a word', 'sources', /^1:1: expected `sources:`/],
    ['no list', 'sources: 7', /^1:10: expected `sources:`/],
    ['an empty list', 'sources: []', /^1:10: expected `sources:`/],
    ['no YAML', 'sources: [', /^\d:\d+: /],
    ['a field twice', `- {${OFFICE}, name: lab}`, /^1:\d+: Map keys must be unique/],
    ['two documents', `- {${OFFICE}}\n---\n- {${OFFICE}}`, /multiple documents/],
    ['an alias of nothing', 'sources: *other', /^1:\d+: .*alias/i],
  ])('%s', (_, text, problem) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    ['no name', 'url: a.sentinelone.net, tokenFile: lab.token', /^1:3: name is missing$/],
    ['no url', 'name: lab, tokenFile: lab.token', /^1:3: url is missing$/],
    ['an empty url', 'name: lab, url: "", tokenFile: lab.token', /^1:20: The SentinelOne console URL is empty/],
    ['a name that is no id', `name: "a b", url: a.sentinelone.net, token: t`, /^1:10: name has to begin/],
    ['a name too long for an id', `name: ${'é'.repeat(40)}, url: a.sentinelone.net, token: t`, /too long for an id/],
    ['a list for a name', 'name: [a], url: a.sentinelone.net, token: t', /^1:10: name has to be a text$/],
    ['both kinds of token', `${OFFICE}, token: t`, /token and tokenFile: keep one/],
    ['an empty token', 'name: lab, url: a.sentinelone.net, token: " "', /token has to be a text that is not empty/],
    [
      'a token file without a token',
      'name: lab, url: a.sentinelone.net, tokenFile: empty.token',
      /empty\.token is empty/,
    ],
    ['a token file that is not there', 'name: lab, url: a.sentinelone.net, tokenFile: x', /cannot be read: .*ENOENT/],
    ['an id with a comma', `${OFFICE}, siteIds: ["1,2"]`, /siteIds has to be an id, as the console shows it/],
    ['no id at all', `${OFFICE}, accountIds: []`, /accountIds has to name at least one id; leave it out for all/],
    ['a limit of nothing', `${OFFICE}, retirementLimit: 0`, /retirementLimit has to be a whole percentage/],
    ['a limit beyond all', `${OFFICE}, retirementLimit: 101 %`, /retirementLimit has to be a whole percentage/],
    ['a word for a duration', `${OFFICE}, freshnessStep: hourly`, /freshnessStep has to be a duration/],
    [
      'a field that resembles none',
      `${OFFICE}, colour: red`,
      /there is no field colour; there are name, url, tokenFile/,
    ],
  ])('%s', (_, fields, problem) => {
    expect(problemsOf(`- {${fields}}`)).toEqual([expect.stringMatching(problem)]);
  });

  it.each([
    [
      'from one file',
      'tokenFile: office.token',
      /^2:\d+: lab and office read the same console with the same token: give each its own Service User$/,
    ],
    ['written out', 'token: token-of-the-office', /^2:\d+: lab and office read the same console/],
  ])('two entries that share a console and its token, %s', (_, token, problem) => {
    const lab = `name: lab, url: "https://office.sentinelone.net/web", ${token}`;
    expect(problemsOf(`- {${OFFICE}}\n- {${lab}}`)).toEqual([expect.stringMatching(problem)]);
  });

  it('is the message of the error, a line each', () => {
    writeFileSync(join(folder, 'sources.yaml'), `- {${OFFICE}, a: b}\n- {${OFFICE}, c: d}`);
    const message =
      /sources\.yaml:1:\d+: there is no field a.*\n.*:2:\d+: another source .*\n.*:2:\d+: there is no field c/;
    expect(() => readSourcesFile(join(folder, 'sources.yaml'))).toThrow(message);
  });

  it('a file that is not there, or far too large', () => {
    expect(() => readSourcesFile(join(folder, 'none.yaml'))).toThrow(/none\.yaml:1:1: cannot be read: .*ENOENT/);
    expect(problemsOf(`# ${'x'.repeat(300_000)}`)).toEqual([expect.stringMatching(/larger than 262144 characters/)]);
  });

  it('is told, whatever stands in place of a text or a list', () => {
    const times = { pollInterval: '10s', sweepInterval: '15m', retirementLimit: '10', freshnessStep: '1h' };
    const source = { name: 'lab', url: 'a.sentinelone.net', token: 't', siteIds: ['1'], ...times };
    const sources = [
      source,
      { name: 'office', url: 'b.sentinelone.net', tokenFile: 'office.token', accountIds: ['1'] },
    ];
    for (const hostile of hostileInEachPlace({ sources })) {
      expect(problemsOf(JSON.stringify(hostile))).not.toEqual([]);
    }
  });

  it('never holds a token', () => {
    const texts = [
      '- {name: lab, url: s3cret-t0ken-pasted-here, token: s3cret-t0ken}',
      '- {name: lab, url: a.sentinelone.net, tokens: s3cret-t0ken}',
      '- {name: lab, url: a.sentinelone.net, token: [s3cret-t0ken]}',
      '- name: lab\n  token: s3cret-t0ken\n s3cret-t0ken',
      '- name: "lab" s3cret-t0ken',
      '{"name": "lab", "token": "s3cret-t0ken" "s3cret-t0ken"}',
      '%s3cret-t0ken\n- name: lab',
      '- token: !s3cret-t0ken x',
      '- token: *s3cret-t0ken',
      '- token: @s3cret-t0ken',
      '- {name: lab, url: a.sentinelone.net, tokenFile: office.token, token: s3cret-t0ken}',
    ];
    for (const text of texts) {
      const problems = problemsOf(text);
      expect([text, problems.length]).not.toEqual([text, 0]);
      expect(problems.join('\n').replaceAll('s3cret-t0ken-pasted-here', 'url')).not.toContain('s3cret-t0ken');
    }
  });
});
