import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import type { ObjectOf } from './kubernetes-objects.js';
import { CI_VALUES, render } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeNetwork = skipped === '' ? describe : describe.skip;

const DNS = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};
const NATS = {
  to: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'nats' } } }],
  ports: [{ protocol: 'TCP', port: 4222 }],
};
const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } });
const MONITORING = { from: [inNamespace('monitoring')], ports: [{ protocol: 'TCP', port: 9100 }] };

/** Both ways of a policy; what Kubernetes takes for nobody is an empty list here. */
function flows({ spec }: ObjectOf<'NetworkPolicy'>) {
  return { ingress: spec?.ingress ?? [], egress: spec?.egress ?? [] };
}

describeNetwork(`the network${skipped}`, () => {
  test('is closed for whatever of the release has no policy', async () => {
    const { spec } = (await render()).the('NetworkPolicy', 'stance-default-deny');
    expect(spec).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'stance', 'app.kubernetes.io/instance': 'stance' } },
      policyTypes: ['Ingress', 'Egress'],
    });
  });

  test.each(['device-matcher', 'posture-store', 'policy-engine', 'audit', 'config-sync'])(
    'lets %s reach names and NATS, and monitoring its metrics',
    async (service) => {
      const chart = await render({}, { from: 'minimal' });
      expect(flows(chart.the('NetworkPolicy', `stance-${service}`))).toEqual({
        ingress: [MONITORING],
        egress: [DNS, NATS],
      });
    },
  );

  test('lets the poller reach public addresses on 443 besides, and no private ones', async () => {
    const { egress } = flows((await render({}, { from: 'minimal' })).the('NetworkPolicy', 'stance-sentinelone-poller'));
    expect(egress).toEqual([DNS, NATS, { to: [expect.anything()], ports: [{ protocol: 'TCP', port: 443 }] }]);
    expect(egress[2]?.to?.[0]?.ipBlock?.except).toEqual(
      expect.arrayContaining(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16']),
    );
  });

  test('lets proxies reach a gateway where it takes traffic, and the gateway its upstreams', async () => {
    const { ingress, egress } = flows(
      (await render({}, { from: 'full' })).the('NetworkPolicy', 'posture-gateway-edge'),
    );
    expect(ingress).toContainEqual({
      from: [inNamespace('ingress-nginx')],
      ports: [9180, 9190, 9181, 9182].map((port) => ({ protocol: 'TCP', port })),
    });
    expect(egress).toContainEqual({
      to: [inNamespace('apps')],
      ports: [8080, 5432].map((port) => ({ protocol: 'TCP', port })),
    });
  });

  test('lets nobody reach a gateway whose proxies are not named', async () => {
    const values = { gateways: { edge: { proxies: [] } } };
    const { ingress } = flows((await render(values, { from: 'minimal' })).the('NetworkPolicy', 'stance-gateway-edge'));
    expect(ingress).toEqual([MONITORING]);
  });

  test('lets a collector be reached only where one is named', async () => {
    const otlp = { to: [inNamespace('monitoring')], ports: [{ protocol: 'TCP', port: 4318 }] };
    expect(flows((await render()).the('NetworkPolicy', 'stance-audit')).egress).not.toContainEqual(otlp);
    const traced = await render({ telemetry: { otlp: { endpoint: 'http://collector.monitoring:4318' } } });
    expect(flows(traced.the('NetworkPolicy', 'stance-audit')).egress).toContainEqual(otlp);
  });

  test('lets the job and the tests reach names and NATS, and nobody them, before anything else is there', async () => {
    const chart = await render({ tests: { pipeline: { enabled: true } } });
    for (const name of ['stance-topology', 'stance-test-read', 'stance-test-pipeline']) {
      const policy = chart.the('NetworkPolicy', name);
      expect(flows(policy)).toEqual({ ingress: [], egress: [DNS, NATS] });
      expect(policy.metadata?.annotations).toMatchObject({ 'helm.sh/hook-weight': '-10' });
    }
  });

  test('drops a flow whose peers are none, as an empty list would be everybody', async () => {
    const closed = { nats: [], dns: [], consoles: [], monitoring: [] };
    const chart = await render({ networkPolicy: closed }, { from: 'minimal' });
    expect(flows(chart.the('NetworkPolicy', 'stance-sentinelone-poller'))).toEqual({ ingress: [], egress: [] });
  });

  test.each(CI_VALUES)('has one policy for each pod, which selects it, with %s values', async (from) => {
    const chart = await render({}, { from });
    const policies = chart.all('NetworkPolicy').filter(({ metadata }) => !metadata?.name?.endsWith('-default-deny'));
    for (const { title, labels } of [...chart.pods(), ...testPods(chart.all('Pod'))]) {
      const selecting = policies.filter(({ spec }) =>
        Object.entries(spec?.podSelector?.matchLabels ?? {}).every(([label, value]) => labels[label] === value),
      );
      expect([title, selecting.length]).toEqual([title, 1]);
      expect(selecting[0]?.spec?.policyTypes).toEqual(['Ingress', 'Egress']);
    }
  });

  test('can be left to others', async () => {
    expect((await render({ networkPolicy: { enabled: false } })).names('NetworkPolicy')).toEqual([]);
  });
});

function testPods(pods: readonly ObjectOf<'Pod'>[]) {
  return pods.map(({ metadata }) => ({ title: metadata?.name, labels: metadata?.labels ?? {} }));
}
