import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { waitFor } from '@stance/testing';

import { settled } from './facts.js';
import { natsImage, removeImage } from './local-image.js';
import { PIPELINE, Stack } from './stack.js';
import { WatchedGateway } from './watched-gateway.js';

const container = await natsImage();

/** What the harness of the tests reads, as whoever has Docker would set it. */
const SETTINGS = ['STANCE_TEST_NATS', 'STANCE_TEST_NATS_IMAGE', 'TESTCONTAINERS_RYUK_DISABLED', 'NATS_URL'] as const;

const image = 'image' in container ? container.image : '';
const isOurs = 'image' in container && container.isOurs;
const skipped = 'unavailable' in container ? ` (skipped: ${container.unavailable})` : '';

(skipped === '' ? describe : describe.skip)(`on a nats-server in a container, by testcontainers${skipped}`, () => {
  const before = new Map(SETTINGS.map((name) => [name, process.env[name]]));
  let stack: Stack;
  let gateway: WatchedGateway;

  beforeAll(async () => {
    delete process.env['NATS_URL'];
    process.env['STANCE_TEST_NATS'] = 'docker';
    process.env['STANCE_TEST_NATS_IMAGE'] = image;
    // What removes the containers of dead tests is an image too, from a registry.
    if (isOurs) process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    stack = await Stack.start();
    await stack.run(PIPELINE);
    await stack.publishPolicy();
    await stack.enroll();
    gateway = await WatchedGateway.connect(stack);
  }, 120_000);

  afterAll(async () => {
    await gateway?.close();
    await stack?.close();
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    if (isOurs) await removeImage(image);
  });

  test('an infected device loses its session, also after the container was killed and started again', async () => {
    expect(stack.nats.origin).toBe('docker');
    const [first] = await gateway.openSessions(['d0'], 'payroll');
    stack.infect('d0');
    const cut = (sessionId = '') =>
      waitFor(() => gateway.cuts.get(sessionId), { what: 'the session to be revoked', timeoutMs: 20_000 });
    await expect(cut(first?.sessionId)).resolves.toBe(1);

    await settled(stack);
    await stack.nats.kill();
    await stack.nats.restart();
    await settled(stack);
    stack.clean('d0');
    const [second] = await gateway.openSessions(['d0'], 'payroll');
    stack.infect('d0');
    await expect(cut(second?.sessionId)).resolves.toBe(1);
  }, 60_000);
});
