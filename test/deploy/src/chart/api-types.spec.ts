import { describe, expect, test } from '@jest/globals';
import { checkApiType } from './api-types.js';
import { whyNoHelm } from './find-helm.js';
import { nameOf, type KubernetesObject } from './kubernetes-objects.js';
import { CI_VALUES, KUBERNETES_VERSION, render, type CiValues } from './rendered-chart.js';
import { checkFields, GET_KUBERNETES_VALIDATE, hasKubernetesValidate, NEWEST_KUBERNETES } from './strict-fields.js';

const skipped = await whyNoHelm();
const describeTypes = skipped === '' ? describe : describe.skip;
const withoutSchemas = (await hasKubernetesValidate()) ? skipped : ` (skipped: ${GET_KUBERNETES_VALIDATE})`;
const describeFields = withoutSchemas === '' ? describe : describe.skip;

/** Without what `extraObjects` adds, which is of kinds that are not the chart's. */
const objectsOf = async (from: CiValues) =>
  (await render({ tests: { pipeline: { enabled: true } }, extraObjects: [] }, { from })).objects;

const deployment = (container: object): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'x' },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'x', ...container }] } },
  },
});

describeTypes(`every object of the chart${skipped}`, () => {
  test.each(CI_VALUES)('is of its API type, with %s values', async (from) => {
    for (const object of await objectsOf(from)) {
      expect(() => checkApiType(object)).not.toThrow();
    }
  });
});

describe('the check of API types', () => {
  test('finds fields of another type, and those that are missing', () => {
    expect(() => checkApiType(deployment({}))).not.toThrow();
    expect(() => checkApiType(deployment({ ports: [{ containerPort: '80' }] }))).toThrow('must be integer');
    expect(() => checkApiType(deployment({ ports: [{}] }))).toThrow('containerPort');
  });
});

describeFields(`every field${withoutSchemas}`, () => {
  const kubernetesOnly = (object: KubernetesObject) =>
    !object.apiVersion.includes('keda.sh') && !object.apiVersion.includes('coreos.com');

  test.each([
    ['full', KUBERNETES_VERSION],
    ['full', NEWEST_KUBERNETES],
  ] as const)('is one of Kubernetes, with %s values and version %s', async (from, version) => {
    const objects = (await objectsOf(from)).filter(kubernetesOnly);
    expect(objects.map(nameOf).length).toBeGreaterThan(20);
    await expect(checkFields(objects, version)).resolves.toBeUndefined();
  });

  test('that is unknown is found', async () => {
    await expect(checkFields([deployment({ imag: 'x' })], NEWEST_KUBERNETES)).rejects.toThrow('imag');
  });
});
