import { describe, expect, test } from '@jest/globals';
import { localServer, namedServer } from './destination.js';

const CREDENTIALS = {
  NATS_CREDS_FILE: 'user.creds',
  NATS_NKEY_SEED_FILE: 'user.nk',
  NATS_CA_FILE: 'ca.pem',
  NATS_CERT_FILE: 'cert.pem',
  NATS_KEY_FILE: 'key.pem',
  STANCE_AUDIT_NATS_CREDS_FILE: 'auditor.creds',
  STANCE_AUDIT_NATS_NKEY_SEED_FILE: 'auditor.nk',
};
const stack = { natsUrl: 'nats://127.0.0.1:4222', usersFolder: '/users', demo: true, pid: 1 };

describe('the server that the user names', () => {
  test('gets the credentials of the environment', () => {
    const env = { ...CREDENTIALS, PATH: '/bin' };
    expect(namedServer('tls://nats:4222', env)).toEqual({
      server: { natsUrl: 'tls://nats:4222', demo: false },
      env,
      notes: [],
    });
  });

  test.each([
    ['nats://ana:secret@nats:4222', { NATS_NKEY_SEED_FILE: 'user.nk' }, ['nats://nats:4222 does not ask for TLS']],
    ['nats:4222', { STANCE_AUDIT_NATS_CREDS_FILE: 'auditor.creds' }, ['nats:4222 does not ask for TLS']],
    ['nats://nats:4222', { NATS_NKEY_SEED_FILE: 'user.nk', NATS_CA_FILE: 'ca.pem' }, []],
    ['nats://nats:4222', { NATS_NKEY_SEED_FILE: '' }, []],
    ['nats://127.0.0.1:4222', { NATS_NKEY_SEED_FILE: 'user.nk' }, []],
  ])('%s with %j: %j', (url, env, notes) => {
    expect(namedServer(url, env).notes).toEqual(notes.map((note) => expect.stringContaining(note)));
  });
});

describe('the local stack', () => {
  test('gets none of them, and the user is told so', () => {
    const { server, env, notes } = localServer(stack, { ...CREDENTIALS, PATH: '/bin' });
    expect({ server, env }).toEqual({ server: stack, env: { PATH: '/bin' } });
    expect(notes).toEqual([expect.stringMatching(/^NATS_CREDS_FILE, .*: not used for the local stack at nats:/)]);
  });

  test('says nothing of what is not set', () => {
    expect(localServer(stack, { NATS_CREDS_FILE: '' }).notes).toEqual([]);
  });
});
