import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { render } from './rendered-chart.js';
import { measuredMemory } from './measured-memory.js';

const skipped = await whyNoHelm();
const describeScheduling = skipped === '' ? describe : describe.skip;
const SERVICES = ['sentinelone-poller', 'device-matcher', 'posture-store', 'policy-engine', 'audit', 'config-sync'];

describeScheduling(`replicas${skipped}`, () => {
  test('are two of everything: one active and one that stands by, or two gateways', async () => {
    const deployments = (await render({}, { from: 'minimal' })).all('Deployment');
    expect(deployments).toHaveLength(7);
    expect(deployments.map(({ spec }) => spec?.replicas)).toEqual(deployments.map(() => 2));
  });

  test('may be none, or more', async () => {
    const chart = await render({}, { from: 'full' });
    expect(chart.the('Deployment', 'posture-device-matcher').spec?.replicas).toBe(0);
    expect(chart.the('Deployment', 'posture-policy-engine').spec?.replicas).toBe(3);
  });

  test('spread over hosts and zones, each version by itself', async () => {
    const { spec } = (await render()).pod('Deployment/stance-policy-engine');
    const labelSelector = {
      matchLabels: {
        'app.kubernetes.io/name': 'stance',
        'app.kubernetes.io/instance': 'stance',
        'app.kubernetes.io/component': 'policy-engine',
      },
    };
    const spread = { maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway', labelSelector };
    expect(spec.topologySpreadConstraints).toEqual([
      { ...spread, topologyKey: 'kubernetes.io/hostname', matchLabelKeys: ['pod-template-hash'] },
      { ...spread, topologyKey: 'topology.kubernetes.io/zone', matchLabelKeys: ['pod-template-hash'] },
    ]);
  });

  test('are kept by a budget that never keeps a node from being drained', async () => {
    const chart = await render({}, { from: 'minimal' });
    const budgets = chart.all('PodDisruptionBudget');
    expect(chart.names('PodDisruptionBudget')).toEqual(chart.names('Deployment'));
    for (const { metadata, spec } of budgets) {
      expect(spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
      const pod = chart.pod(`Deployment/${metadata?.name}`);
      expect(pod.labels).toMatchObject(spec?.selector?.matchLabels ?? { none: 'none' });
    }
  });

  test('have no budget where that is said', async () => {
    const budgets = (await render({}, { from: 'full' })).names('PodDisruptionBudget');
    expect(budgets).not.toContain('posture-policy-engine');
    expect(budgets).toContain('posture-audit');
  });

  test('go where the defaults say, unless their service says otherwise', async () => {
    const chart = await render({}, { from: 'full' });
    expect(chart.pod('Deployment/posture-audit').spec).toMatchObject({
      nodeSelector: { 'kubernetes.io/arch': 'amd64' },
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'security', effect: 'NoSchedule' }],
      affinity: { nodeAffinity: expect.anything() },
      topologySpreadConstraints: [
        { topologyKey: 'topology.kubernetes.io/zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
      ],
    });
    expect(chart.pod('Deployment/posture-audit').spec.priorityClassName).toBeUndefined();
    expect(chart.pod('Deployment/posture-policy-engine').spec.priorityClassName).toBe('critical');
    expect(chart.pod('Job/posture-topology').spec.nodeSelector).toEqual({ 'kubernetes.io/arch': 'amd64' });
  });
});

describeScheduling(`memory${skipped}`, () => {
  test('has room for what was measured with 100,000 devices, and half as much again', async () => {
    const chart = await render({ sizing: { devices: 100_000 } }, { from: 'minimal' });
    for (const [service, measured] of Object.entries(await measuredMemory())) {
      const { requests, limits } = chart.pod(`Deployment/stance-${service}`).spec.containers[0]?.resources ?? {};
      expect([service, requests?.['memory']]).toEqual([service, `${384 + measured}Mi`]);
      expect([service, limits?.['memory']]).toEqual([service, `${Math.floor(((384 + measured) * 3) / 2)}Mi`]);
    }
  });

  test('grows with the devices, and starts with what an idle service needs', async () => {
    const memoryWith = async (devices: number) => {
      const chart = await render({ sizing: { devices } }, { from: 'minimal' });
      return chart.pod('Deployment/stance-policy-engine').spec.containers[0]?.resources?.requests?.['memory'];
    };
    expect([await memoryWith(1), await memoryWith(10_000), await memoryWith(1_000_000)]).toEqual([
      '384Mi',
      '545Mi',
      '16534Mi',
    ]);
  });

  test('is what a service says where it says it', async () => {
    const { resources } = (await render({}, { from: 'full' })).pod('Deployment/posture-policy-engine').spec
      .containers[0] ?? { resources: undefined };
    expect(resources).toEqual({ requests: { cpu: '500m', memory: '4Gi' }, limits: { memory: '6Gi' } });
  });

  test('bounds the heap, and no service has a CPU limit', async () => {
    const pods = (await render({}, { from: 'minimal' })).pods().filter(({ title }) => title.startsWith('Deployment/'));
    expect(pods).toHaveLength(SERVICES.length + 1);
    for (const { spec } of pods) {
      const [container] = spec.containers;
      expect(container?.resources?.limits).toEqual({ memory: expect.stringMatching(/^\d+Mi$/) });
      const options = container?.env?.find(({ name }) => name === 'NODE_OPTIONS')?.value;
      expect(options).toBe('--max-old-space-size-percentage=65 --max-semi-space-size=64');
    }
  });
});

describe('the measured memory', () => {
  test('is in the benchmarks for every service that holds state', async () => {
    expect(Object.keys(await measuredMemory()).toSorted()).toEqual([
      'audit',
      'device-matcher',
      'policy-engine',
      'posture-store',
      'sentinelone-poller',
    ]);
  });
});
