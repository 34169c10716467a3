import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import {
  ConfigurationInvalid,
  duration,
  integer,
  list,
  loadConfiguration,
  optionalText,
  secret,
  SettingProblem,
  text,
  type Settings,
} from './configuration.js';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const file = (name: string) => join(folder.path, name);

async function fileWith(content: string): Promise<string> {
  const path = file(`secret-${performance.now()}`);
  await writeFile(path, content);
  return path;
}

function problemsOf(settings: Settings, environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfiguration(settings, environment);
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  const settings = {
    URL: text({ description: 'where to go' }),
    NAME: text({ default: 'stance', description: 'what it is called' }),
    NOTE: optionalText({ description: 'a remark' }),
    LEVEL: text({ default: 'info', oneOf: ['info', 'warn'], description: 'how much is said' }),
    SITES: list({ description: 'which sites' }),
    PORT: integer({ default: 80, min: 1, max: 100, description: 'where it listens' }),
    INTERVAL: duration({ default: '10s', min: '1s', max: '1h', description: 'how often' }),
    TOKEN: secret({ description: 'what opens the door' }),
  };

  it('reads what is set and takes the defaults for the rest', () => {
    expect(loadConfiguration(settings, { URL: 'nats://here', TOKEN: 't' })).toMatchObject({
      URL: 'nats://here',
      NAME: 'stance',
      NOTE: undefined,
      LEVEL: 'info',
      SITES: [],
      PORT: 80,
      INTERVAL: 10_000,
    });
    const given = { URL: 'u', TOKEN: 't', NAME: 'n', NOTE: 'x', LEVEL: 'warn', SITES: ' a, b,,c ', PORT: '9' };
    expect(loadConfiguration(settings, { ...given, INTERVAL: '15m' })).toMatchObject({
      NAME: 'n',
      NOTE: 'x',
      LEVEL: 'warn',
      SITES: ['a', 'b', 'c'],
      PORT: 9,
      INTERVAL: 900_000,
    });
  });

  it('counts an empty value as unset', () => {
    expect(loadConfiguration(settings, { URL: 'u', TOKEN: 't', NAME: '', PORT: '', TOKEN_FILE: '' })).toMatchObject({
      NAME: 'stance',
      PORT: 80,
    });
    expect(problemsOf(settings, { URL: '', TOKEN: 't' })).toEqual(['URL is not set (where to go)']);
  });

  it('counts an empty value as a mistake where the setting says so', () => {
    const guarded = { KEYS: { ...optionalText({ description: 'whose keys count' }), refusesEmpty: true } };
    expect(problemsOf(guarded, { KEYS: '' })).toEqual([
      'KEYS is set and empty: give it a value, or unset it if that is meant (whose keys count)',
    ]);
    expect(loadConfiguration(guarded, {}).KEYS).toBeUndefined();
    expect(loadConfiguration(guarded, { KEYS: 'k' }).KEYS).toBe('k');
  });

  it('names every problem at once, each with what the setting means', () => {
    const environment = { LEVEL: 'loud', PORT: '101', INTERVAL: 'often' };
    expect(problemsOf(settings, environment)).toEqual([
      'URL is not set (where to go)',
      'LEVEL must be one of info, warn, not "loud" (how much is said)',
      'PORT must be a whole number from 1 to 100, not "101" (where it listens)',
      'INTERVAL must be a duration such as 10s, 15m or 24h, not "often" (how often)',
      'TOKEN is not set, nor is TOKEN_FILE (what opens the door)',
    ]);
    expect(() => loadConfiguration(settings, environment)).toThrow(/^the configuration has 5 problems:\n {2}- URL is/);
    expect(() => loadConfiguration(settings, { TOKEN: 't' })).toThrow(/^the configuration has 1 problem:\n/);
  });

  it.each([
    ['PORT', '0', 'must be a whole number from 1 to 100'],
    ['PORT', '1.5', 'must be a whole number'],
    ['PORT', 'ten', 'must be a whole number'],
    ['PORT', '0x10', 'must be a whole number'],
    ['INTERVAL', '999ms', 'must be from 1s to 1h, not 999ms'],
    ['INTERVAL', '61m', 'must be from 1s to 1h, not 61m'],
    ['INTERVAL', '10', 'must be a duration such as 10s'],
  ])('refuses %s=%s', (name, value, problem) => {
    const problems = problemsOf(settings, { URL: 'u', TOKEN: 't', [name]: value });
    expect(problems).toEqual([expect.stringContaining(`${name} ${problem}`)]);
  });

  it.each([
    ['INTERVAL', '1s', 1_000],
    ['INTERVAL', '1h', 3_600_000],
    ['PORT', '1', 1],
    ['PORT', '100', 100],
  ])('takes the bound itself: %s=%s', (name, value, expected) => {
    expect(loadConfiguration(settings, { URL: 'u', TOKEN: 't', [name]: value })).toHaveProperty(name, expected);
  });

  it('lets a defect in a setting through as what it is', () => {
    const defective = {
      ...optionalText({ description: '-' }),
      parse: () => {
        throw new TypeError('a bug');
      },
    };
    expect(() => loadConfiguration({ X: defective }, { X: '1' })).toThrow(TypeError);
  });
});

describe('a secret', () => {
  const settings = { TOKEN: secret({ description: 'the token' }) };

  it('comes from the environment or from a file, whose blanks around it do not count', async () => {
    expect(loadConfiguration(settings, { TOKEN: 'one' }).TOKEN.reveal()).toBe('one');
    const path = await fileWith('  two\n');
    expect(loadConfiguration(settings, { TOKEN_FILE: path }).TOKEN.reveal()).toBe('two');
  });

  it('is read anew, so that a rotated file counts without a restart', async () => {
    const path = await fileWith('old');
    const { TOKEN } = loadConfiguration(settings, { TOKEN_FILE: path });
    expect(TOKEN.reveal()).toBe('old');
    await writeFile(path, 'new\n');
    expect(TOKEN.reveal()).toBe('new');
    await rm(path);
    expect(() => TOKEN.reveal()).toThrow(SettingProblem);
  });

  it('may not come both ways', async () => {
    const path = await fileWith('x');
    expect(problemsOf(settings, { TOKEN: 'y', TOKEN_FILE: path })).toEqual([
      'TOKEN is set, and TOKEN_FILE as well: set one of them (the token)',
    ]);
  });

  it.each(['', '  \n'])('may not come from an empty file (%j)', async (content) => {
    const path = await fileWith(content);
    expect(problemsOf(settings, { TOKEN_FILE: path })).toEqual([`TOKEN is empty in ${path} (the token)`]);
  });

  it('may not come from a file that is not there', () => {
    const path = file('nowhere');
    expect(problemsOf(settings, { TOKEN_FILE: path })).toEqual([
      expect.stringMatching(`^TOKEN cannot be read from ${path}: .*ENOENT`),
    ]);
  });

  it('shows itself to nobody who does not ask for it', async () => {
    const path = await fileWith('from-a-file');
    for (const environment of [{ TOKEN: 'from-the-environment' }, { TOKEN_FILE: path }]) {
      const { TOKEN } = loadConfiguration(settings, environment);
      const shown = `${JSON.stringify({ TOKEN })} ${String(TOKEN)} ${inspect({ TOKEN }, { depth: 9 })}`;
      expect(shown).not.toMatch(/from-(the-environment|a-file)/);
      expect(JSON.stringify({ TOKEN })).toBe('{"TOKEN":"[secret]"}');
    }
  });

  it('only a secret is looked for in a file: other settings keep their own names', async () => {
    const path = await fileWith('x');
    expect(problemsOf({ URL: text({ description: 'where' }) }, { URL_FILE: path })).toEqual(['URL is not set (where)']);
  });
});
