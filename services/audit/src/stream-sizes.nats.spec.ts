import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { STREAMS } from '@stance/contracts';
import { applyTopology } from '@stance/jetstream';
import { startService, type RunningService } from '@stance/service-kit';
import { startTestNats, waitFor, type TestNats } from '@stance/testing';
import { audit } from './service.js';

const LIMIT = 64 * 1024 * 1024;

let nats: TestNats;
let service: RunningService;

beforeAll(async () => {
  nats = await startTestNats({
    serverConfig: `accounts { LIMITED { jetstream: { max_file: ${LIMIT} }, users: [{ user: audit, password: secret }] } }\nno_auth_user: audit`,
  });
  await applyTopology(await nats.connect());
  service = await startService(audit, {
    environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent', STANCE_HTTP_PORT: '0' },
  });
  await service.active;
});

afterAll(async () => {
  await service?.stop();
  await nats?.close();
});

it('shows the size of each stream, and as the limit of the trail that of its account', async () => {
  const told = async () => (await fetch(`${service.url}/metrics`)).text();
  const valueOf = (text: string, name: string, stream: string) =>
    text
      .split('\n')
      .find((line) => line.startsWith(name) && line.includes(`stream="${stream}"`))
      ?.split(' ')
      .at(-1);
  const looked = [STREAMS.AUDIT.name, STREAMS.AGENTS.name];
  const text = await waitFor(
    async () => {
      const some = await told();
      return looked.every((stream) => valueOf(some, 'stance_stream_limit{', stream) !== undefined) && some;
    },
    { what: 'the streams to be looked at' },
  );
  expect(valueOf(text, 'stance_stream_limit{', STREAMS.AUDIT.name)).toBe(String(LIMIT));
  expect(valueOf(text, 'stance_stream_limit{', STREAMS.AGENTS.name)).toBe('0');
  expect(Number(valueOf(text, 'stance_stream_bytes{', STREAMS.AUDIT.name))).toBeGreaterThanOrEqual(0);
});
