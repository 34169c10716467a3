import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationInvalid, loadConfiguration } from '@stance/service-kit';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { SIGNING_SETTINGS, signingProblems, signingRule } from './signing.settings.js';
import { PolicyAdmin } from './spec/policy-admin.js';

let folder: TemporaryFolder;
let file: string;
beforeAll(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'policy-keys');
  await writeFile(file, `${new PolicyAdmin('ana@example.com').line()}\n`);
});
afterAll(() => folder.remove());

const configuration = (environment: NodeJS.ProcessEnv) => loadConfiguration(SIGNING_SETTINGS, environment);

describe('which signatures policies need', () => {
  it('is none, unless they were signed before, where nothing is set', () => {
    expect(signingRule(configuration({}))).toBe('if-before');
    expect(signingRule(configuration({ STANCE_INSTALLATION: 'production' }))).toBe('if-before');
    expect(signingRule(configuration({ STANCE_POLICY_SIGNATURES: 'off' }))).toBe('off');
  });

  it('is that of an admin, for this installation, where there are keys', () => {
    const config = configuration({ STANCE_POLICY_KEYS_FILE: file, STANCE_INSTALLATION: 'production' });
    expect(signingProblems(config)).toEqual([]);
    expect(signingRule(config)).toEqual({ keys: config.STANCE_POLICY_KEYS_FILE, installation: 'production' });
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    ['keys for no installation', {}, /without STANCE_INSTALLATION: name this installation/],
    [
      'keys that are said not to be needed',
      { STANCE_INSTALLATION: 'production', STANCE_POLICY_SIGNATURES: 'off' },
      /STANCE_POLICY_SIGNATURES is off, and STANCE_POLICY_KEYS_FILE is set/,
    ],
  ])('is not clear by %s', (_, environment, problem) => {
    const config = configuration({ STANCE_POLICY_KEYS_FILE: file, ...environment });
    expect(signingProblems(config)).toEqual([expect.stringMatching(problem)]);
  });

  it.each<[string, NodeJS.ProcessEnv, RegExp]>([
    [
      'a file of keys that is set and empty',
      { STANCE_POLICY_KEYS_FILE: '' },
      /STANCE_POLICY_KEYS_FILE is set and empty/,
    ],
    ['a name with a blank', { STANCE_INSTALLATION: 'my own' }, /STANCE_INSTALLATION must be 1 to 100 letters/],
    ['another word for off', { STANCE_POLICY_SIGNATURES: 'no' }, /must be one of on, off/],
  ])('is not said by %s', (_, environment, problem) => {
    expect(() => configuration(environment)).toThrow(ConfigurationInvalid);
    expect(() => configuration(environment)).toThrow(problem);
  });
});
