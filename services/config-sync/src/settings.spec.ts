import { describe, expect, it } from '@jest/globals';
import { ConfigurationInvalid, loadConfiguration } from '@stance/service-kit';
import { SETTINGS } from './settings.js';

describe('the settings', () => {
  it.each([
    ['10 %', 0.1],
    ['2.5%', 0.025],
    ['0%', 0],
    ['100 %', 1],
    ['', 0.1],
  ])('take %j as the share of devices that may retire', (text, share) => {
    expect(loadConfiguration(SETTINGS, { STANCE_RETIREMENT_LIMIT: text }).STANCE_RETIREMENT_LIMIT).toBe(share);
  });

  it.each([
    ['STANCE_RETIREMENT_LIMIT', '0.1'],
    ['STANCE_RETIREMENT_LIMIT', '101 %'],
    ['STANCE_RETIREMENT_LIMIT', '-1 %'],
    ['STANCE_INSTALLATION', 'our production'],
    ['STANCE_DEVICES_FILE', '/etc/stance/devices.txt'],
  ])('refuse %s=%s', (name, value) => {
    expect(() => loadConfiguration(SETTINGS, { [name]: value })).toThrow(ConfigurationInvalid);
  });
});
