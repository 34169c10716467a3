import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  freePort,
  startSecuredNats,
  temporaryFolder,
  type SecuredNats,
  type ServiceProcess,
  type TemporaryFolder,
  waitFor,
} from '@stance/testing';
import { whyNoHelm } from './find-helm.js';
import { LocalPod } from './local-pod.js';
import { render, type RenderedChart, type Values } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeInstalled = skipped === '' ? describe : describe.skip;

const SERVICES = ['device-matcher', 'posture-store', 'policy-engine', 'audit', 'config-sync'];

/** What docs/kubernetes.md says has to be in the policy and the inventory. */
const POLICY = `version: 1
postures:
  not-infected:
    - sentinelOne:infected == false
gateways:
  edge:
    resources: [wiki]
  helm-test:
    resources: [helm-test]
rules:
  - name: the device of helm test
    resources: [helm-test]
    require: [not-infected]
`;
const INVENTORY = `devices:
  - deviceId: helm-test
    serialNumber: STANCE-HELM-TEST
`;

/** One server without TLS: the rest is as in a cluster. */
const installation = (natsUrl: string): Values => ({
  nats: { url: natsUrl, tls: { enabled: false } },
  http: { host: '127.0.0.1' },
  topology: { replicas: 1 },
  policy: { document: POLICY },
  inventory: { document: INVENTORY },
  gateways: { edge: { file: { trustedProxies: ['127.0.0.1/32'], device: { header: { proof: 'certificate' } } } } },
  tests: { pipeline: { enabled: true } },
});

describeInstalled(`what the chart installs, as processes with its settings, files and users${skipped}`, () => {
  let nats: SecuredNats;
  let folder: TemporaryFolder;
  let chart: RenderedChart;
  const services: ServiceProcess[] = [];
  const programs: ChildProcess[] = [];

  /** Secrets are named by their user: what another user's Secret holds, a pod does not get. */
  const secret = async (name: string, key: string) => {
    const user = name.replace(/^stance-nats-/, '');
    expect(key).toBe(`${user}.nk`);
    return readFile(nats.fileOf(user), 'utf8');
  };
  const pod = (title: string) => LocalPod.prepare(chart, title, { root: folder.path, secret });

  beforeAll(async () => {
    nats = await startSecuredNats({ gateways: ['edge', 'helm-test'] });
    folder = await temporaryFolder();
    chart = await render(installation(nats.url));
  }, 60_000);

  afterAll(async () => {
    await Promise.all(programs.map(async (program) => program.kill() && once(program, 'close')));
    await Promise.all(services.map((service) => service.kill()));
    await nats?.close();
    await folder?.remove();
  });

  test('the topology job makes the streams, and the copies for each gateway', async () => {
    const { exitCode, said } = await (await pod('Job/stance-topology')).run('topology');
    expect(exitCode === 0 ? '' : said).toBe('');
    expect(JSON.parse(said)).toMatchObject({ created: expect.arrayContaining(['STANCE_DECISIONS']) });
  }, 60_000);

  test('every service takes its settings, is let in by its own user, and becomes active', async () => {
    for (const name of SERVICES) services.push((await pod(`Deployment/stance-${name}`)).service(name));
    await Promise.all(services.map((service) => service.reached('active', 45_000)));
    expect(services.map(({ name, running }) => [name, running])).toEqual(SERVICES.map((name) => [name, true]));
  }, 90_000);

  test('so does a gateway, which then trusts what the engine tells it', async () => {
    const ports = { 9180: await freePort() };
    const edge = await LocalPod.prepare(chart, 'Deployment/stance-gateway-edge', { root: folder.path, ports, secret });
    services.push(edge.service('gateway'));
    const answer = async () => {
      const address = `http://127.0.0.1:${ports[9180]}/authorize/wiki`;
      const response = await fetch(address, { headers: { 'X-Stance-Device': 'helm-test' } });
      return response.text();
    };
    // Of the device it knows that no rule lets it in: it has the engine's word for that.
    const told = await waitFor(
      async () => {
        const text = await answer();
        return text.includes('no-rule') ? text : undefined;
      },
      { what: 'the gateway to know the device', timeoutMs: 30_000 },
    );
    expect(JSON.parse(told)).toMatchObject({ effect: 'deny' });
  }, 60_000);

  test.each(['topology-check', 'status'])('helm test reads: %s', async (container) => {
    const { exitCode, said } = await (await pod('Pod/stance-test-read')).run(container);
    expect(exitCode === 0 ? '' : said).toBe('');
  });

  describe('helm test of the pipeline', () => {
    let place: LocalPod;

    beforeAll(async () => {
      const ports = { 9480: await freePort(), 9180: await freePort() };
      place = await LocalPod.prepare(chart, 'Pod/stance-test-pipeline', { root: folder.path, ports, secret });
      programs.push(place.program('console'));
      const beside = ['sentinelone-poller', 'gateway'].map((name) => place.service(name));
      services.push(...beside);
      await Promise.all(beside.map((service) => service.reached('active', 45_000)));
    }, 60_000);

    test('fails and says where to look for a device that is not enrolled', async () => {
      const { exitCode, said } = await place.run('steps', { TEST_DEVICE: 'nobody', TEST_STEP_SECONDS: '5' });
      expect(said).toContain('FAILED the device is let in: not within 5 s. It says 403');
      expect(said).toContain('Are the device in the inventory, and its gateway and resource in the policy in force?');
      expect(said).toMatch(/ok {4}the device is left infected \(after \d+ ms\)\n/);
      expect(exitCode).toBe(1);
    }, 60_000);

    test('passes: an infected agent ends a session, a clean one is let in again; and once more', async () => {
      for (let round = 1; round <= 2; round += 1) {
        const { exitCode, said } = await place.run('steps');
        expect(exitCode === 0 ? '' : `${said}\n${logOf(services)}`).toBe('');
        expect(said.match(/^ok .*(?= \(after)/gm)).toEqual([
          'ok    the agent is clean',
          'ok    the device is let in',
          'ok    the agent is infected',
          'ok    the device is kept out',
          'ok    its session is revoked',
          'ok    the agent is clean',
          'ok    the device is let in again',
          'ok    the agent is infected',
          'ok    the device is left infected',
        ]);
        expect(said).toContain('condition-false');
      }
    }, 150_000);
  });
});

/** What services said, to be read where a step failed. */
function logOf(services: readonly ServiceProcess[]): string {
  return services
    .flatMap(({ name, errors, lines }) => [name, errors, ...lines.map((line) => JSON.stringify(line))])
    .join('\n');
}
