import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { whyNoHelm } from './find-helm.js';
import { environmentOf } from './kubernetes-objects.js';
import { render, type RenderedChart } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeGateways = skipped === '' ? describe : describe.skip;

const DEVICE = { header: { proof: 'certificate' } };
const gatewayFile = (chart: RenderedChart, name: string): unknown =>
  parse(chart.the('ConfigMap', name).data?.['gateway.yaml'] ?? '');

describeGateways(`a gateway${skipped}`, () => {
  test('has a Deployment, Services, a budget, a policy, an account and a user of its own', async () => {
    const chart = await render({ gateways: { vpn: { file: { device: DEVICE } } } }, { from: 'minimal' });
    for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget', 'NetworkPolicy', 'ServiceAccount'] as const) {
      expect(chart.names(kind)).toEqual(expect.arrayContaining(['stance-gateway-edge', 'stance-gateway-vpn']));
    }
    const users = ['edge', 'vpn'].map((name) =>
      JSON.stringify(
        chart.pod(`Deployment/stance-gateway-${name}`).spec.volumes?.find((volume) => volume.name === 'nats'),
      ),
    );
    expect(users[0]).toContain('"stance-nats-gateway-edge"');
    expect(users[1]).toContain('"stance-nats-gateway-vpn"');
  });

  test('has its file with its name in it, and listens where its Service reaches it', async () => {
    expect(gatewayFile(await render({}, { from: 'minimal' }), 'stance-gateway-edge')).toEqual({
      name: 'edge',
      listen: { host: '0.0.0.0', port: 9180 },
      trustedProxies: ['10.0.0.0/8'],
      device: { certificate: { ca: 'device-ca.pem', header: { name: 'X-SSL-Client-Cert', format: 'pem' } } },
    });
    expect(gatewayFile(await render({}, { from: 'full' }), 'posture-gateway-edge')).toMatchObject({
      listen: { host: '::', port: 9180 },
      grpc: { host: '::', port: 9190 },
      relays: [{ listen: { host: '::', port: 9181 } }],
      tcp: [{ listen: { host: '::', port: 9182, tls: { certificate: 'tls.crt', key: 'tls.key' } } }],
    });
  });

  test('listens where its file says, if it says so', async () => {
    const file = { device: DEVICE, listen: { host: '127.0.0.1', port: 9999 } };
    const chart = await render({ gateways: { edge: { file } } });
    expect(gatewayFile(chart, 'stance-gateway-edge')).toMatchObject({ listen: { host: '127.0.0.1', port: 9999 } });
    expect(chart.the('Service', 'stance-gateway-edge').spec?.ports).toEqual([
      { name: 'http-authorize', port: 9999, targetPort: 'http-authorize' },
    ]);
  });

  test('takes traffic on every port of its file, by the same names in Service and pod', async () => {
    const chart = await render({}, { from: 'full' });
    const { spec } = chart.the('Service', 'posture-gateway-edge');
    expect(spec).toMatchObject({ type: 'LoadBalancer' });
    expect(spec?.ports?.map(({ name, port }) => [name, port])).toEqual([
      ['http-authorize', 9180],
      ['grpc-authorize', 9190],
      ['http-9181', 9181],
      ['tcp-9182', 9182],
    ]);
    const [container] = chart.pod('Deployment/posture-gateway-edge').spec.containers;
    expect(container?.ports?.map(({ name }) => name)).toEqual([
      'http-metrics',
      ...(spec?.ports ?? []).map(({ targetPort }) => targetPort),
    ]);
  });

  test('may have its file elsewhere, with the ports that the chart cannot see', async () => {
    const chart = await render({}, { from: 'full' });
    expect(chart.names('ConfigMap')).not.toContain('posture-gateway-vpn');
    expect(chart.pod('Deployment/posture-gateway-vpn').spec.volumes).toContainEqual({
      name: 'gateway',
      projected: {
        defaultMode: 0o440,
        sources: [{ configMap: { name: 'vpn-gateway', items: [{ key: 'vpn.yaml', path: 'gateway.yaml' }] } }],
      },
    });
    expect(chart.the('Service', 'posture-gateway-vpn').spec?.ports?.map(({ port }) => port)).toEqual([9180, 9222]);
  });

  test('finds what its file names beside it', async () => {
    const pod = (await render({}, { from: 'minimal' })).pod('Deployment/stance-gateway-edge');
    expect(pod.spec.volumes?.find(({ name }) => name === 'gateway')?.projected?.sources).toEqual([
      { configMap: { name: 'stance-gateway-edge', items: [{ key: 'gateway.yaml', path: 'gateway.yaml' }] } },
      { secret: { name: 'device-ca' } },
    ]);
    const [container] = pod.spec.containers;
    expect(environmentOf(container ?? { name: '' })).toMatchObject({
      STANCE_GATEWAY_FILE: '/etc/stance/gateway/gateway.yaml',
      STANCE_GATEWAY_MAX_SILENCE: '5m',
    });
    expect(container?.volumeMounts).toContainEqual({
      name: 'gateway',
      mountPath: '/etc/stance/gateway',
      readOnly: true,
    });
  });

  test('leaves its Service before it stops, with time for what it carries', async () => {
    const { spec } = (await render({}, { from: 'minimal' })).pod('Deployment/stance-gateway-edge');
    expect(spec.containers[0]?.lifecycle).toEqual({ preStop: { sleep: { seconds: 5 } } });
    expect(spec.terminationGracePeriodSeconds).toBe(45);
  });

  test('restarts when its file changes, and only then', async () => {
    const checksum = async (file: object) => {
      const chart = await render({ gateways: { edge: { file: { device: DEVICE, ...file } } } });
      return chart.pod('Deployment/stance-gateway-edge').annotations['checksum/gateway-file'];
    };
    expect(await checksum({})).toMatch(/^[0-9a-f]{64}$/);
    expect(await checksum({})).toBe(await checksum({}));
    expect(await checksum({ resourceFrom: 'header' })).not.toBe(await checksum({}));
  });

  test.each([
    ['neither a file nor a ConfigMap', { gateways: { edge: {} } }],
    ['both', { gateways: { edge: { file: { device: DEVICE }, existingConfigMap: 'x' } } }],
  ])('is refused with %s', async (_what, values) => {
    await expect(render(values)).rejects.toThrow('gateways.edge: give file or existingConfigMap, one of them');
  });
});

describeGateways(`the replicas of a gateway${skipped}`, () => {
  test('follow the processor where that is wanted', async () => {
    const chart = await render({}, { from: 'full' });
    expect(chart.the('HorizontalPodAutoscaler', 'posture-gateway-edge').spec).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'posture-gateway-edge' },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [{ resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
    });
    expect(chart.the('Deployment', 'posture-gateway-edge').spec).not.toHaveProperty('replicas');
  });

  test('follow what KEDA is told', async () => {
    const chart = await render({}, { from: 'full' });
    expect(chart.the('ScaledObject', 'posture-gateway-vpn').spec).toMatchObject({
      scaleTargetRef: { name: 'posture-gateway-vpn' },
      minReplicaCount: 2,
      triggers: [{ type: 'prometheus', metadata: { threshold: '5000' } }],
    });
    expect(chart.the('Deployment', 'posture-gateway-vpn').spec).not.toHaveProperty('replicas');
  });

  test('follow nothing where KEDA is told nothing: that is refused', async () => {
    const gateways = { edge: { file: { device: DEVICE }, autoscaling: { kind: 'keda' } } };
    await expect(render({ gateways })).rejects.toThrow('autoscaling.keda.triggers is empty');
  });

  test('are the only ones that scale', async () => {
    const autoscaling = { kind: 'hpa' };
    const chart = await render({ gatewayDefaults: { autoscaling } }, { from: 'minimal' });
    expect(chart.names('HorizontalPodAutoscaler')).toEqual(['stance-gateway-edge']);
    await expect(render({ services: { audit: { autoscaling } } })).rejects.toThrow("'autoscaling' not allowed");
  });
});
