import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationInvalid, loadConfiguration } from '@stance/service-kit';
import { configuredConsoles } from './settings-of-consoles.js';
import { SENTINELONE_SETTINGS } from './settings.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'consoles-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const OFFICE = 'name: office, url: office.sentinelone.net, token: token-of-the-office';
const LAB = 'name: lab, url: lab.sentinelone.net, token: token-of-the-lab';

function fileOf(...entries: string[]): string {
  const path = join(folder, 'sources.yaml');
  writeFileSync(path, entries.map((entry) => `- {${entry}}\n`).join(''));
  return path;
}

const load = (environment: NodeJS.ProcessEnv) => loadConfiguration(SENTINELONE_SETTINGS, environment);

function problemsIn(work: () => unknown): readonly string[] {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  }
  return [];
}

const problemsOf = (environment: NodeJS.ProcessEnv) => problemsIn(() => load(environment));
const consoles = (environment: NodeJS.ProcessEnv) => configuredConsoles(environment, problemsOf);
const refusals = (environment: NodeJS.ProcessEnv) => problemsIn(() => consoles(environment));

describe('the consoles of an environment', () => {
  it.each([undefined, ''])(
    'are the single one where the file is %j, its settings left to whoever reads them',
    (file) => {
      const environment = { STANCE_SOURCES_FILE: file, SENTINELONE_URL: 'nonsense://' };
      expect(consoles(environment)).toEqual([{ name: undefined, environment }]);
    },
  );

  it('are those of the file, each with its own settings over those of the process', () => {
    const file = fileOf(`${OFFICE}, pollInterval: 5s, retirementLimit: 20`, `${LAB}, siteIds: ["7"]`);
    const found = consoles({ STANCE_SOURCES_FILE: file, SENTINELONE_POLL_INTERVAL: '30s' });
    expect(found.map(({ name, environment }) => [name, load(environment)])).toMatchObject([
      [
        'office',
        {
          SENTINELONE_URL: 'https://office.sentinelone.net',
          SENTINELONE_POLL_INTERVAL: 5_000,
          SENTINELONE_RETIREMENT_LIMIT: 20,
          SENTINELONE_SITE_IDS: [],
          STANCE_SOURCES_FILE: undefined,
        },
      ],
      ['lab', { SENTINELONE_SOURCE: 'lab', SENTINELONE_POLL_INTERVAL: 30_000, SENTINELONE_SITE_IDS: ['7'] }],
    ]);
  });
});

describe('consoles are refused', () => {
  it.each([
    ['SENTINELONE_URL', 'office.sentinelone.net'],
    ['SENTINELONE_API_TOKEN', 'token'],
    ['SENTINELONE_API_TOKEN_FILE', '/run/secrets/token'],
    ['SENTINELONE_SOURCE', 'office'],
    ['SENTINELONE_SITE_IDS', '7'],
    ['SENTINELONE_ACCOUNT_IDS', '7'],
  ])('where a file is given and %s as well', (setting, value) => {
    expect(refusals({ STANCE_SOURCES_FILE: fileOf(OFFICE), [setting]: value })).toEqual([
      `${setting} is set, and STANCE_SOURCES_FILE as well: put the console into the file, or unset the file`,
    ]);
  });

  it.each([
    ['pollInterval: 5h', 'SENTINELONE_POLL_INTERVAL'],
    ['sweepInterval: 25h', 'SENTINELONE_SWEEP_INTERVAL'],
    ['freshnessStep: 25h', 'STANCE_FRESHNESS_STEP'],
  ])('where one is given %s, by its line', (field, setting) => {
    const file = fileOf(OFFICE, `${LAB}, ${field}`);
    expect(refusals({ STANCE_SOURCES_FILE: file })).toEqual([
      expect.stringContaining(`${file}:2: ${setting} must be from`),
    ]);
  });

  it('where the process says what none of them may have, once', () => {
    const environment = { STANCE_SOURCES_FILE: fileOf(OFFICE, LAB), SENTINELONE_RETIREMENT_LIMIT: '0' };
    expect(refusals(environment)).toEqual([
      expect.stringMatching(/^SENTINELONE_RETIREMENT_LIMIT must be a whole number from 1 to 100/),
    ]);
  });

  it('with every problem at once, the conflicts and those of the file', () => {
    const file = fileOf('name: lab, urls: x, token: t');
    const problems = refusals({ STANCE_SOURCES_FILE: file, SENTINELONE_SOURCE: 'office' });
    expect(problems).toHaveLength(3);
    expect(problems.slice(1).every((problem) => problem.startsWith(`STANCE_SOURCES_FILE ${file}:1:`))).toBe(true);
  });
});
