import { describe, expect, test } from '@jest/globals';
import { InvalidSettings, readSettings } from './settings.js';

describe('settings of the stand-alone simulator', () => {
  test('an empty environment means a free port and 25 agents', () => {
    expect(readSettings({})).toEqual({ port: 0, agents: 25, token: undefined });
  });

  test('each variable is read', () => {
    const environment = { SIMULATOR_PORT: '8443', SIMULATOR_AGENTS: '100000', SIMULATOR_TOKEN: 'secret' };
    expect(readSettings(environment)).toEqual({ port: 8443, agents: 100_000, token: 'secret' });
  });

  test('every problem is named at once', () => {
    const read = () => readSettings({ SIMULATOR_PORT: '70000', SIMULATOR_AGENTS: 'many' });
    expect(read).toThrow(InvalidSettings);
    expect(read).toThrow(/SIMULATOR_PORT=70000.*\n.*SIMULATOR_AGENTS=many/);
  });
});
