import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { environmentOf } from './kubernetes-objects.js';
import { render, type Values } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeHooks = skipped === '' ? describe : describe.skip;

const PIPELINE = { tests: { pipeline: { enabled: true } } };
const argumentsOf = async (values: Values, from: 'default' | 'minimal' | 'full' = 'default') => {
  const chart = await render(values, { from });
  return chart.pods().find(({ title }) => title.startsWith('Job/'))?.spec.containers[0]?.args;
};

describeHooks(`the topology job${skipped}`, () => {
  test('runs before an installation, an upgrade and a rollback, and stays when it fails', async () => {
    const { metadata, spec } = (await render()).the('Job', 'stance-topology');
    expect(metadata?.annotations).toEqual({
      'helm.sh/hook': 'pre-install,pre-upgrade,pre-rollback',
      'helm.sh/hook-weight': '-5',
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
    });
    expect(spec).toMatchObject({ backoffLimit: 4, activeDeadlineSeconds: 300 });
    expect(spec?.template.spec?.restartPolicy).toBe('Never');
  });

  test('makes streams for the cluster and copies for every gateway', async () => {
    const apply = ['stance', 'topology', 'apply', '--json'];
    expect(await argumentsOf({})).toEqual([...apply, '--replicas=3']);
    expect(await argumentsOf({}, 'minimal')).toEqual([...apply, '--replicas=3', '--gateways=edge']);
    expect(await argumentsOf({}, 'full')).toEqual([
      ...apply,
      '--replicas=5',
      '--gateways=datacentre,edge,helm-test,vpn',
    ]);
    expect(await argumentsOf({ topology: { replicas: 1, extraGateways: ['a', 'a'] } })).toEqual([
      ...apply,
      '--replicas=1',
      '--gateways=a',
    ]);
  });

  test('finds its account and its way to NATS before anything of the release is there', async () => {
    const chart = await render();
    for (const kind of ['ServiceAccount', 'NetworkPolicy'] as const) {
      const { metadata } = chart.the(kind, 'stance-topology');
      expect(metadata?.annotations).toMatchObject({
        'helm.sh/hook': 'pre-install,pre-upgrade,pre-rollback',
        'helm.sh/hook-weight': '-10',
        // An uninstallation leaves hooks behind.
        'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
      });
    }
  });

  test('can be left to others', async () => {
    const chart = await render({ topology: { enabled: false } });
    expect(chart.names('Job')).toEqual([]);
    expect(chart.names('ServiceAccount')).not.toContain('stance-topology');
  });
});

describeHooks(`helm test${skipped}`, () => {
  test('reads what is there, with the rights to read', async () => {
    const chart = await render();
    expect(chart.names('Pod')).toEqual(['stance-test-read']);
    const commands = chart.pod('Pod/stance-test-read').spec.containers.map(({ name, args }) => [name, args]);
    expect(Object.fromEntries(commands)).toEqual({
      'topology-check': ['stance', 'topology', 'check', '--json'],
      status: ['stance', 'status'],
    });
  });

  test('runs a posture change through only where that is wanted', async () => {
    const chart = await render(PIPELINE);
    expect(chart.names('Pod')).toEqual(['stance-test-pipeline', 'stance-test-read']);
    expect((await render({ tests: { enabled: false } })).names('Pod')).toEqual([]);
  });

  test('brings a console, a poller and a gateway of its own, which end with the steps', async () => {
    const { spec } = (await render(PIPELINE)).pod('Pod/stance-test-pipeline');
    expect(spec.initContainers?.map(({ name, restartPolicy }) => [name, restartPolicy])).toEqual([
      ['console', 'Always'],
      ['sentinelone-poller', 'Always'],
      ['gateway', 'Always'],
    ]);
    expect(spec.containers.map(({ name, command }) => [name, command])).toEqual([
      ['steps', ['node', '/etc/stance/test/run.mjs']],
    ]);
    expect(spec.restartPolicy).toBe('Never');
  });

  test('reads no console but its own, under names that nothing else has', async () => {
    const { spec } = (await render(PIPELINE)).pod('Pod/stance-test-pipeline');
    const poller = spec.initContainers?.find(({ name }) => name === 'sentinelone-poller') ?? { name: '' };
    expect(environmentOf(poller)).toMatchObject({
      SENTINELONE_URL: 'http://127.0.0.1:9480',
      SENTINELONE_SOURCE: 'helm-test',
    });
    expect(environmentOf(poller)).not.toHaveProperty('STANCE_SOURCES_FILE');
  });

  test.each([
    ['tests.pipeline.source: that is a console of yours', { source: 'office' }],
    ['tests.pipeline.gateway: that is a gateway of yours', { gateway: 'edge' }],
  ])('refuses names that are taken: %s', async (message, names) => {
    const values = { tests: { pipeline: { enabled: true, ...names } } };
    await expect(render(values, { from: 'minimal' })).rejects.toThrow(message);
  });

  test('leaves only its pods behind, whose logs tell what happened', async () => {
    const chart = await render(PIPELINE);
    const hooks = chart.objects.filter(({ metadata }) => metadata?.annotations?.['helm.sh/hook'] === 'test');
    const staying = hooks.filter(
      ({ metadata }) => metadata?.annotations?.['helm.sh/hook-delete-policy']?.includes('hook-succeeded') !== true,
    );
    expect(staying.map(({ kind }) => kind)).toEqual(['Pod', 'Pod']);
  });

  test('is not scraped, and nothing of it is selected by a Service', async () => {
    const chart = await render(PIPELINE, { from: 'minimal' });
    const components = chart.all('Service').map(({ spec }) => spec?.selector?.['app.kubernetes.io/component']);
    expect(components).not.toContain(undefined);
    for (const { metadata } of chart.all('Pod')) {
      expect(components).not.toContain(metadata?.labels?.['app.kubernetes.io/component']);
    }
  });
});
