import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { BreakGlassUsed } from '@stance/contracts';
import { applyTopology, connectToNats, EventPublisher, FactTable } from '@stance/jetstream';
import { Gateway } from '@stance/gateway-sdk';
import { startTestNats, temporaryFolder, waitFor, type TemporaryFolder, type TestNats } from '@stance/testing';
import type { Asker } from '../access/access.js';
import { BreakGlass } from './break-glass.js';

const laptop: Asker = { deviceId: 'laptop-1', resource: 'wiki', user: 'anna@example.org', proof: 'certificate' };

let nats: TestNats;
let folder: TemporaryFolder;
let file: string;
const ending: (() => Promise<void>)[] = [];
beforeAll(async () => {
  nats = await startTestNats();
  await applyTopology(await nats.connect());
});
beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'break-glass.yaml');
  const until = new Date(Date.now() + 60 * 60_000).toISOString();
  await writeFile(file, `- { device: laptop-1, resource: wiki, until: ${until}, by: ops, reason: NATS is down }\n`);
});
afterEach(() => folder.remove());
afterAll(async () => {
  await Promise.all(ending.map((end) => end()));
  await nats.close();
});

/** One life of a gateway with its break-glass; the function returned ends it as a kill would: nothing is waited for. */
async function live(): Promise<{ breakGlass: BreakGlass; die: () => Promise<void> }> {
  const connection: NatsConnection = await connectToNats({ url: nats.url, name: 'gateway' });
  const gateway = new Gateway({ connection, gateway: 'edge' });
  const breakGlass = new BreakGlass({
    file,
    gateway: 'edge',
    record: (use) => gateway.recordBreakGlass(use),
    onEnded: () => undefined,
    logger: { warn: () => undefined, error: () => undefined },
  });
  await breakGlass.start();
  const die = async () => {
    breakGlass.stop();
    await gateway.close({ deadlineMs: 0 });
    await connection.close();
  };
  ending.push(die);
  return { breakGlass, die };
}

const waiting = async () => (await readdir(`${file}.used`)).length;

async function recorded() {
  const connection = await nats.connect();
  const table = new FactTable(connection, new EventPublisher(connection, 'gateway'), BreakGlassUsed, {
    keep: ({ data }) => data,
  });
  await table.load();
  await table.stopFollowing();
  return [...table.values()];
}

test('a use during an outage is recorded when the server is back, over the end of the gateway, and only once', async () => {
  const first = await live();
  await nats.kill();
  expect(first.breakGlass.admit(laptop)).toBeDefined();
  await first.die();
  expect(await waiting()).toBe(1);
  await nats.restart();

  const second = await live();
  await waitFor(async () => (await waiting()) === 0, { what: 'the use is recorded' });
  expect(second.breakGlass.admit(laptop)).toBeDefined();
  await waitFor(() => second.breakGlass.health().unrecordedUses === 0, { what: 'the second use is recorded' });
  expect(await recorded()).toEqual([
    expect.objectContaining({
      by: 'ops',
      reason: 'NATS is down',
      gateway: 'edge',
      deviceId: 'laptop-1',
      user: 'anna@example.org',
    }),
  ]);
});
