import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { whyNoHelm } from './find-helm.js';
import { environmentOf, nameOf } from './kubernetes-objects.js';
import { render } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeMonitoring = skipped === '' ? describe : describe.skip;

const DEPLOY = new URL('../../../../deploy/', import.meta.url);
const MONITORED = {
  metrics: { serviceMonitor: { enabled: true }, rules: { enabled: true } },
  dashboards: { enabled: true },
};

/** The dashboards of deploy/grafana; none where there is no such folder. */
async function dashboards(): Promise<string[]> {
  const folder = new URL('grafana/dashboards/', DEPLOY);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith('.json')).toSorted();
}

describeMonitoring(`metrics${skipped}`, () => {
  test('of every replica are reached, ready or not', async () => {
    const chart = await render(MONITORED, { from: 'minimal' });
    for (const name of chart.names('Deployment')) {
      expect(chart.the('Service', `${name}-metrics`).spec).toMatchObject({
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        ports: [{ name: 'http-metrics', port: 9100, targetPort: 'http-metrics' }],
      });
    }
  });

  test('are read by a ServiceMonitor that finds these Services and no others', async () => {
    const chart = await render(MONITORED, { from: 'minimal' });
    const { spec } = chart.the('ServiceMonitor', 'stance-metrics');
    const wanted = Object.entries(spec?.selector.matchLabels ?? {});
    const found = chart
      .all('Service')
      .filter(({ metadata }) => wanted.every(([label, value]) => metadata?.labels?.[label] === value));
    expect(found.map(nameOf).toSorted()).toEqual(chart.names('Service').filter((name) => name.endsWith('-metrics')));
  });

  test('keep their label `service`, and have a job by which the rules know Stance', async () => {
    const [endpoint] = (await render(MONITORED)).the('ServiceMonitor', 'stance-metrics').spec?.endpoints ?? [];
    expect(endpoint).toMatchObject({ port: 'http-metrics', path: '/metrics', interval: '15s', honorLabels: true });
    expect(endpoint?.relabelings).toContainEqual({
      sourceLabels: ['__meta_kubernetes_service_label_app_kubernetes_io_component'],
      targetLabel: 'job',
      replacement: 'stance-$1',
    });
  });

  test('are read as the operator’s Prometheus is told to', async () => {
    const { metadata, spec } = (await render({}, { from: 'full' })).the('ServiceMonitor', 'posture-metrics');
    expect(metadata?.labels).toMatchObject({ release: 'prometheus' });
    expect(spec?.endpoints?.[0]).toMatchObject({ interval: '30s' });
  });
});

describeMonitoring(`rules and dashboards${skipped}`, () => {
  test('are not there unless wanted: a cluster without the operator would refuse them', async () => {
    const kinds = (await render({}, { from: 'minimal' })).objects.map(({ kind }) => kind);
    expect(kinds.filter((kind) => ['ServiceMonitor', 'PrometheusRule'].includes(kind))).toEqual([]);
  });

  test('are those of deploy/prometheus, word for word', async () => {
    const rules: unknown = parse(await readFile(new URL('prometheus/stance.rules.yaml', DEPLOY), 'utf8'));
    expect((await render(MONITORED)).the('PrometheusRule', 'stance-rules').spec).toEqual(rules);
  });

  test('are those of deploy/grafana, each in a ConfigMap that the sidecar finds', async () => {
    const chart = await render(MONITORED);
    const names = await dashboards();
    expect(chart.names('ConfigMap')).toEqual(names.map((name) => `stance-dashboard-${name.replace('.json', '')}`));
    for (const name of names) {
      const map = chart.the('ConfigMap', `stance-dashboard-${name.replace('.json', '')}`);
      expect(map.metadata?.labels).toMatchObject({ grafana_dashboard: '1' });
      expect(map.data).toEqual({ [name]: await readFile(new URL(`grafana/dashboards/${name}`, DEPLOY), 'utf8') });
    }
  });
});

describeMonitoring(`traces${skipped}`, () => {
  test('are sent where an endpoint is named, with the pod they come from', async () => {
    const environment = async (values: object) => {
      const [container] = (await render({ ...values })).pod('Deployment/stance-audit').spec.containers;
      return environmentOf(container ?? { name: '' });
    };
    expect(Object.keys(await environment({})).filter((name) => name.startsWith('OTEL'))).toEqual([]);
    expect(await environment({ telemetry: { otlp: { endpoint: 'http://collector:4318' } } })).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_RESOURCE_ATTRIBUTES: 'k8s.namespace.name=security,k8s.pod.name=$(POD_NAME)',
    });
  });
});
