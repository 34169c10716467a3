import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { AUTH_FORMATS, writeAuthFolder, type AuthFolder, type AuthFolderOptions } from '@stance/nats-auth';
import { startNatsServer, type NatsServer } from '@stance/nats-server';
import { credentialsIn } from '@stance/nkeys';
import { temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';

/** In both formats a running server takes what is generated anew: new keys, keys that are taken back, new gateways. */
const USER = 'policy-engine';

describe.each(AUTH_FORMATS)('a server with accounts of the format %s', (format) => {
  let folder: TemporaryFolder;
  let server: NatsServer;
  let auth: AuthFolder;
  let gateways: readonly string[] = [];
  let now = Date.parse('2026-01-05T00:00:00Z');
  const log: string[] = [];
  const connections: NatsConnection[] = [];

  beforeAll(async () => {
    folder = await temporaryFolder();
    await generate();
    server = await startNatsServer({
      storeDir: folder.path,
      serverConfig: 'include "auth/nats-auth.conf"',
      onLog: (line) => log.push(line),
    });
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server.kill();
    await folder.remove();
  });

  /** An hour after the time before, so that whatever is signed anew is another. */
  async function generate(options: AuthFolderOptions = {}): Promise<void> {
    now += 3_600_000;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(now);
    try {
      auth = await writeAuthFolder(join(folder.path, 'auth'), { gateways }, { format, ...options });
    } finally {
      clock.mockRestore();
    }
  }

  /** Has the server read its configuration again. Throws where it refuses to. */
  async function reload(): Promise<void> {
    log.length = 0;
    process.kill(server.pid, 'SIGHUP');
    // Told when all is applied; what is told of single options comes before.
    const outcome = await waitFor(() => log.find((line) => /Failed to reload|Reloaded server/.test(line)), {
      what: 'the server to have reloaded',
    });
    if (outcome.includes('Failed')) throw new Error(outcome);
  }

  const credentialsOf = (user: string) => readFileSync(auth.credentials.get(user) ?? '', 'utf8');

  /** A connection that ends where the server ends it. */
  async function connectWith(credentials: string): Promise<NatsConnection> {
    const { authenticator } = credentialsIn(credentials);
    const connection = await connect({ servers: server.url, authenticator, reconnect: false });
    connections.push(connection);
    return connection;
  }

  test('lets two keys of a user in while one replaces the other, and then the new one alone', async () => {
    const before = credentialsOf(USER);
    const [old, other] = [await connectWith(before), await connectWith(credentialsOf('viewer'))];

    await generate({ rotate: [USER] });
    await reload();
    const after = credentialsOf(USER);
    expect(after).not.toBe(before);
    const replacing = await connectWith(after);
    const late = await connectWith(before);

    await generate({ retire: [USER] });
    await reload();
    await Promise.all([old.closed(), late.closed()]);
    await expect(connectWith(before)).rejects.toThrow(/authorization violation/i);
    for (const connection of [replacing, other, await connectWith(after)]) await connection.flush();
    expect([old, late, replacing, other].map((connection) => connection.isClosed())).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('lets a gateway in that there was not, and keeps who was taken back out', async () => {
    const before = credentialsOf(USER);
    await generate({ rotate: [USER], retire: [USER] });
    gateways = ['edge'];
    await generate();
    await reload();
    await (await connectWith(credentialsOf('gateway-edge'))).flush();
    await (await connectWith(credentialsOf(USER))).flush();
    await expect(connectWith(before)).rejects.toThrow(/authorization violation/i);
  });

  test('lets a gateway in no longer that there is no more', async () => {
    gateways = ['edge'];
    await generate();
    await reload();
    const before = credentialsOf('gateway-edge');
    const edge = await connectWith(before);
    gateways = [];
    await generate();
    await reload();
    await edge.closed();
    await expect(connectWith(before)).rejects.toThrow(/authorization violation/i);
  });
});
