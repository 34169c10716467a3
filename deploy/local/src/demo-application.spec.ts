import { expect, test } from '@jest/globals';
import { freePort } from '@stance/testing';
import { startDemoApplication } from './demo-application.js';

test('streams to whoever asks, and says as whom the gateway let them in', async () => {
  const port = await freePort();
  const application = await startDemoApplication(port);
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    headers: { 'X-Stance-Device': 'laptop-1', 'X-Stance-Decision': 'allow; policy=1; posture=2' },
  });
  const first = await response.body?.getReader().read();
  expect(new TextDecoder().decode(first?.value)).toBe(
    'data: hello laptop-1, let in by "allow; policy=1; posture=2"\n\n',
  );
  await application?.close();
});

test('leaves a port alone that is taken', async () => {
  const port = await freePort();
  const first = await startDemoApplication(port);
  expect(await startDemoApplication(port)).toBeUndefined();
  await first?.close();
});
