import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DecisionChanged, SessionEnded, SessionStarted, type DataOf } from '@stance/contracts';
import {
  COMPILED_ONCE,
  findGateway,
  freePort,
  startFaultProxy,
  startNginx,
  temporaryFolder,
  waitFor,
  type FaultProxy,
  type GatewayProcess,
  type ServiceProcess,
  type TemporaryFolder,
} from '@stance/testing';

import { factsOf, lastOf, settled } from './facts.js';
import { LiveSocket } from './replicas/live-socket.js';
import { Upstream } from './replicas/upstream.js';
import { machines, PIPELINE, Stack } from './stack.js';

const STANCE = fileURLToPath(new URL('../../../services/cli/bin/stance.mjs', import.meta.url));
/** The shortest that can be configured: it passes in real time here. */
const MAX_SILENCE = '10s';

/** Both need a machine without infection. */
const POLICY = `version: 1
postures:
  clean: ['sentinelOne:infected == false']
gateways:
  edge: { resources: [payroll, wiki] }
rules:
  - { name: clean machines, resources: [payroll, wiki], require: [clean] }
`;

const binary = await findGateway('nginx');
const skipped = binary === undefined ? ' (skipped: no nginx on PATH, and STANCE_TEST_NGINX names none)' : '';

let stack: Stack;
let upstream: Upstream;
let folder: TemporaryFolder;
let link: FaultProxy;
let gateway: ServiceProcess;
let nginx: GatewayProcess;
let port: number;

async function startGateway(): Promise<ServiceProcess> {
  const file = join(folder.path, 'gateway.yaml');
  const routes = [{ resource: 'payroll', upstream: `http://127.0.0.1:${upstream.port}` }];
  const content = {
    name: 'edge',
    listen: { port: 0 },
    trustedProxies: ['127.0.0.1'],
    device: { header: { proof: 'certificate' } },
    relays: [{ listen: { port: 0 }, routes }],
  };
  await writeFile(file, JSON.stringify(content));
  const service = stack.spawn('gateway', {
    NATS_URL: `nats://127.0.0.1:${link.port}`,
    STANCE_GATEWAY_FILE: file,
    STANCE_GATEWAY_MAX_SILENCE: MAX_SILENCE,
  });
  await service.reached('active', 30_000);
  await waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, { what: 'the gateway to hear the engine' });
  return service;
}

/** One application: pages by auth_request, what is live through the relay. The device is what a test says that it is. */
async function configuration(): Promise<string> {
  const authorize = String((await gateway.logged('answering proxies'))['url']);
  const relay = String((await gateway.logged('relaying HTTP'))['url']);
  return `
    server {
      listen 127.0.0.1:${port};
      location / {
        auth_request /authorize;
        proxy_pass http://127.0.0.1:${upstream.port};
      }
      location /live/ {
        proxy_pass ${relay};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
        proxy_set_header X-Stance-Device $http_x_stance_device;
      }
      location = /authorize {
        internal;
        proxy_pass ${authorize}/authorize/wiki;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header X-Stance-Device $http_x_stance_device;
      }
    }`;
}

async function stance(...argv: string[]): Promise<void> {
  const child = spawn(process.execPath, [STANCE, ...argv], {
    env: { PATH: process.env['PATH'], ...COMPILED_ONCE, NATS_URL: stack.nats.url },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 30_000,
  });
  const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'close') as Promise<[number]>]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
}

const page = async (deviceId: string) =>
  (await fetch(`http://127.0.0.1:${port}/page`, { headers: { 'X-Stance-Device': deviceId } })).status;

async function live(deviceId: string): Promise<LiveSocket> {
  const socket = await LiveSocket.open(port, deviceId, '/live/');
  if (typeof socket === 'number') throw new Error(`${deviceId} is answered ${socket}`);
  return socket;
}

const endOf = (deviceId: string, resource: string) =>
  waitFor(
    async () =>
      (await factsOf(stack, SessionEnded)).find(({ data }) => data.deviceId === deviceId && data.resource === resource),
    { what: `the session of ${deviceId} on ${resource} to be told to have ended` },
  );

(skipped === '' ? describe : describe.skip)(`behind a real nginx${skipped}`, () => {
  beforeAll(async () => {
    folder = await temporaryFolder();
    upstream = await Upstream.start();
    stack = await Stack.start({ fleet: machines(3) });
    await stack.run(PIPELINE);
    await stack.publishPolicy(POLICY);
    await stack.enroll(3);
    const isClean = ({ resources }: DataOf<typeof DecisionChanged>) => resources['wiki']?.effect === 'allow';
    await waitFor(async () => (await lastOf(stack, DecisionChanged)).filter(isClean).length === 3, {
      what: 'the machines to be allowed',
    });
    await settled(stack);
    link = await startFaultProxy({ target: stack.nats.url });
    gateway = await startGateway();
    port = await freePort();
    nginx = await startNginx({ binary: binary ?? '', ports: [port], files: { 'nginx.conf': await configuration() } });
  }, 120_000);

  afterAll(async () => {
    await nginx?.stop();
    await stack?.close();
    await link?.close();
    await upstream?.stop();
    await folder?.remove();
  });

  test('an open WebSocket and a session behind auth_request die when the machine is infected, and no other does', async () => {
    expect([await page('d0'), await page('d1')]).toEqual([200, 200]);
    const [infected, healthy] = [await live('d0'), await live('d1')];
    expect([await infected.echoes(), await healthy.echoes()]).toEqual([true, true]);
    await settled(stack);

    const begun = Date.now();
    await stance('simulate', '--tenant', stack.tenant.url, 'infect', 'd0');
    await waitFor(() => !infected.isOpen, { what: 'the WebSocket to be cut', intervalMs: 1 });
    expect(infected.closeCode).toBe(1008);
    const payroll = await endOf('d0', 'payroll');
    expect(payroll.data).toMatchObject({ cause: 'revoked', enforcement: 'cut' });
    expect(await LiveSocket.open(port, 'd0', '/live/')).toBe(403);
    expect(await healthy.echoes()).toBe(true);
    const reaction = Date.parse(payroll.data.enforcedAt ?? '') - Date.parse(payroll.observedat ?? '');
    expect(reaction).toBeGreaterThanOrEqual(0);

    expect(await page('d0')).toBe(403);
    const wiki = await endOf('d0', 'wiki');
    expect(wiki.data).toMatchObject({ cause: 'revoked', enforcement: 'next-request' });
    expect(await page('d1')).toBe(200);
    healthy.destroy();
    process.stdout.write(
      `infected to cut: ${(infected.closedAt ?? 0) - begun} ms with the command and the poll of 50 ms, ` +
        `${reaction} ms from the console's answer to the closed socket\n`,
    );
  }, 60_000);

  test('cut off from NATS the gateway goes on until its lease ends, then denies and closes what it carries, and recovers by itself', async () => {
    const socket = await live('d2');
    await link.refuse();
    const readiness = async () =>
      (await (await fetch(`${gateway.url}/readyz`)).json()) as { details: { connected: boolean; trusted: boolean } };
    await waitFor(async () => !(await readiness()).details.connected, { what: 'the link to be lost' });
    expect([await page('d2'), await socket.echoes()]).toEqual([200, true]);

    await waitFor(async () => (await page('d2')) === 403, { what: 'the lease to end' });
    expect(await LiveSocket.open(port, 'd2', '/live/')).toBe(403);
    await waitFor(() => !socket.isOpen, { what: 'what is carried to be closed' });

    await link.resume();
    await waitFor(async () => (await page('d2')) === 200, { what: 'the gateway to recover' });
    const again = await live('d2');
    expect(await again.echoes()).toBe(true);
    again.destroy();
    const sessions = async () => (await factsOf(stack, SessionStarted)).filter(({ data }) => data.deviceId === 'd2');
    // What began while it was cut off is told of afterwards.
    await waitFor(async () => (await sessions()).length >= 2, { what: 'both sessions to be told of' });
    await settled(stack);
    const started = await sessions();
    expect(started.map(({ data }) => data.resource).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'payroll',
      'wiki',
    ]);
  }, 90_000);
});
