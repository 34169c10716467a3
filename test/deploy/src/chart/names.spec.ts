import { describe, expect, test } from '@jest/globals';
import { whyNoHelm } from './find-helm.js';
import { nameOf } from './kubernetes-objects.js';
import { CI_VALUES, render } from './rendered-chart.js';

const skipped = await whyNoHelm();
const describeNames = skipped === '' ? describe : describe.skip;

const LONG = 'a-release-whose-name-is-as-long-as-helm-takes-it-53ch';

describeNames(`names${skipped}`, () => {
  test.each([
    ['stance', {}, 'stance-audit'],
    ['production', {}, 'production-stance-audit'],
    ['stance-eu', {}, 'stance-eu-audit'],
    ['stance', { nameOverride: 'posture' }, 'stance-posture-audit'],
    ['stance', { fullnameOverride: 'posture' }, 'posture-audit'],
  ])('of release %s with %j begin as in the rest of the world', async (release, values, name) => {
    expect((await render(values, { release })).names('Deployment')).toContain(name);
  });

  test('fit into 63 characters, however long the release and the gateway are called', async () => {
    const gateway = 'a-gateway-of-20-char';
    const gateways = { [gateway]: { file: { device: {} } } };
    const chart = await render({ gateways, ...pipeline }, { release: LONG, from: 'minimal' });
    for (const object of chart.objects) expect(nameOf(object).length).toBeLessThanOrEqual(63);
    expect(chart.names('Service').some((name) => name.endsWith(`-gateway-${gateway}-metrics`))).toBe(true);
  });

  test('of two long releases differ', async () => {
    const [one] = (await render({}, { release: LONG })).names('Deployment');
    const [other] = (await render({}, { release: `${LONG.slice(0, -1)}x` })).names('Deployment');
    expect(one).not.toBe(other);
  });

  test.each(CI_VALUES)('are each given once for a kind, with %s values', async (from) => {
    const titles = (await render(pipeline, { from })).objects.map((object) => `${object.kind}/${nameOf(object)}`);
    expect(titles.toSorted()).toEqual([...new Set(titles)].toSorted());
  });
});

const pipeline = { tests: { pipeline: { enabled: true } } };

describeNames(`labels${skipped}`, () => {
  test.each(CI_VALUES)('tell name, instance, component and version of everything, with %s values', async (from) => {
    const { objects } = await render({ ...pipeline, extraObjects: [] }, { from });
    for (const object of objects) {
      expect(object.metadata?.namespace).toBe('security');
      expect(object.metadata?.labels).toMatchObject({
        'app.kubernetes.io/name': 'stance',
        'app.kubernetes.io/instance': 'stance',
        'app.kubernetes.io/component': expect.stringMatching(/./),
        'app.kubernetes.io/version': '0.1.0',
        'app.kubernetes.io/managed-by': 'Helm',
        'helm.sh/chart': 'stance-0.1.0',
      });
    }
  });

  test('of one’s own are on everything, pods included', async () => {
    const chart = await render({ commonLabels: { team: 'security' } }, { from: 'minimal' });
    expect(chart.objects.every(({ metadata }) => metadata?.labels?.['team'] === 'security')).toBe(true);
    expect(chart.pod('Deployment/stance-audit').labels).toMatchObject({ team: 'security' });
  });

  test('that select pods never change with the version of the chart', async () => {
    for (const { spec } of (await render({}, { from: 'minimal' })).all('Deployment')) {
      expect(Object.keys(spec?.selector.matchLabels ?? {})).toEqual([
        'app.kubernetes.io/name',
        'app.kubernetes.io/instance',
        'app.kubernetes.io/component',
      ]);
      expect(spec?.template.metadata?.labels).toMatchObject(spec?.selector.matchLabels ?? { none: 'none' });
    }
  });

  test('of a Service select just the pods of its component', async () => {
    const chart = await render({}, { from: 'minimal' });
    for (const service of chart.all('Service')) {
      const wanted = Object.entries(service.spec?.selector ?? {});
      const selected = chart.pods().filter(({ labels }) => wanted.every(([label, value]) => labels[label] === value));
      expect(selected.map(({ title }) => title)).toEqual([`Deployment/${nameOf(service).replace(/-metrics$/, '')}`]);
    }
  });
});

describeNames(`the image${skipped}`, () => {
  test.each([
    [{}, 'stance:0.1.0'],
    [{ registry: 'registry.example.com' }, 'registry.example.com/stance:0.1.0'],
    [{ repository: 'security/stance', tag: '9' }, 'security/stance:9'],
    [{ tag: '9', digest: `sha256:${'0'.repeat(64)}` }, `stance@sha256:${'0'.repeat(64)}`],
  ])('of %j is %s, in every pod', async (image, reference) => {
    const chart = await render({ image, ...pipeline }, { from: 'minimal' });
    const images = chart
      .pods()
      .flatMap(({ spec }) => [...(spec.initContainers ?? []), ...spec.containers].map((each) => each.image));
    expect(new Set(images)).toEqual(new Set([reference]));
  });

  test('is told which service to run', async () => {
    const chart = await render({}, { from: 'minimal' });
    const told = chart.all('Deployment').map(({ spec }) => spec?.template.spec?.containers[0]);
    expect(told.every((container) => container?.args?.join(' ') === container?.name)).toBe(true);
    expect(told.map((container) => container?.command)).toEqual(told.map(() => undefined));
  });

  test('is pulled with the secrets of a registry', async () => {
    for (const { spec } of (await render({}, { from: 'full' })).pods()) {
      expect(spec.imagePullSecrets).toEqual([{ name: 'registry' }]);
    }
  });
});
