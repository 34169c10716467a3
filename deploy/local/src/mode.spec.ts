import { describe, expect, it } from '@jest/globals';
import { modeOf } from './mode.js';

describe('demo mode', () => {
  it.each<[string, NodeJS.ProcessEnv]>([
    ['when nothing is set', {}],
    ['when what is set is empty', { NATS_URL: '', SENTINELONE_URL: '' }],
    ['when only what names no system is set', { STANCE_HTTP_PORT: '0', STANCE_DATA_DIR: 'x', STANCE_POLICY_FILE: 'p' }],
  ])('is on %s', (_, environment) => {
    expect(modeOf(environment, '/home').demo).toBe(true);
  });

  it.each<[string, NodeJS.ProcessEnv]>([
    ['NATS_URL', { NATS_URL: 'nats://cluster' }],
    ['SENTINELONE_URL', { SENTINELONE_URL: 'tenant.sentinelone.net' }],
    ['SENTINELONE_API_TOKEN_FILE', { SENTINELONE_API_TOKEN_FILE: '/run/secrets/token' }],
    ['STANCE_SOURCES_FILE', { STANCE_SOURCES_FILE: 'consoles.yaml' }],
    ['any SENTINELONE_*', { SENTINELONE_POLL_INTERVAL: '5s' }],
  ])('is off when %s is set', (_, environment) => {
    expect(modeOf(environment, '/home').demo).toBe(false);
  });
});

describe('the data folder', () => {
  it.each<[NodeJS.ProcessEnv, string, string]>([
    [{}, '/home/.stance/demo', '/home/.stance/run.json'],
    [{ STANCE_DATA_DIR: '' }, '/home/.stance/demo', '/home/.stance/run.json'],
    [{ STANCE_DATA_DIR: 'data' }, '/home/data/demo', '/home/data/run.json'],
    [{ STANCE_DATA_DIR: '/data', SENTINELONE_URL: 'x' }, '/data', '/data/run.json'],
  ])('of %j is %s, with the run file %s', (environment, dataFolder, runFile) => {
    expect(modeOf(environment, '/home')).toMatchObject({ dataFolder, runFile });
  });
});
