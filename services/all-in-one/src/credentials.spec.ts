import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder, type TemporaryFolder } from '@stance/testing';
import { withCredentials } from './credentials.js';

let folder: TemporaryFolder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const file = (name: string) => join(folder.path, name);
const put = (...names: string[]) => Promise.all(names.map((name) => writeFile(file(name), '')));
const environment = (more: NodeJS.ProcessEnv = {}) => ({
  NATS_URL: 'nats://n',
  NATS_USERS_FOLDER: folder.path,
  ...more,
});

describe('a service among others in one process', () => {
  it('is its own user', async () => {
    await put('device-matcher.nk', 'policy-engine.nk');
    expect(withCredentials('device-matcher', environment())).toMatchObject({
      NATS_NKEY_SEED_FILE: file('device-matcher.nk'),
    });
  });

  it('takes credentials of operator mode where there are any', async () => {
    await put('device-matcher.creds', 'device-matcher.nk');
    const own = withCredentials('device-matcher', environment());
    expect(own['NATS_CREDS_FILE']).toBe(file('device-matcher.creds'));
    expect(own['NATS_NKEY_SEED_FILE']).toBeUndefined();
  });

  it('is another one where the audit trail is', async () => {
    await put('audit.nk', 'audit-trail.nk');
    expect(withCredentials('audit', environment())).toMatchObject({
      NATS_NKEY_SEED_FILE: file('audit.nk'),
      STANCE_AUDIT_NATS_NKEY_SEED_FILE: file('audit-trail.nk'),
    });
  });

  it('is the user of its source, where a poller has one', async () => {
    await put('sentinelone-poller-europe.nk', 'sentinelone-poller.nk');
    const of = (source: string) =>
      withCredentials('sentinelone-poller', environment({ SENTINELONE_SOURCE: source }))['NATS_NKEY_SEED_FILE'];
    expect(of('europe')).toBe(file('sentinelone-poller-europe.nk'));
    expect(of('america')).toBe(file('sentinelone-poller.nk'));
  });

  it('is the user of its gateway, by the name in its file', async () => {
    await put('gateway-edge.nk');
    const gatewayFile = file('gateway.yaml');
    await writeFile(
      gatewayFile,
      'name: edge\nlisten: { port: 0 }\ntrustedProxies: [127.0.0.1/32]\ndevice: { header: {} }\n',
    );
    const own = withCredentials('gateway', environment({ STANCE_GATEWAY_FILE: gatewayFile }));
    expect(own['NATS_NKEY_SEED_FILE']).toBe(file('gateway-edge.nk'));
  });

  it('without a folder uses what all use', () => {
    const shared = { NATS_URL: 'nats://n', NATS_NKEY_SEED_FILE: '/run/seed' };
    expect(withCredentials('audit', shared)).toBe(shared);
  });

  it('says which credentials are missing', () => {
    expect(() => withCredentials('posture-store', environment())).toThrow(
      `NATS_USERS_FOLDER: ${folder.path} has no credentials of posture-store`,
    );
  });
});
